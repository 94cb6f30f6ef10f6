/** Parameters whose `?` was lost or escaped, which makes them a path. */
const PARAMETERS = /(?:Policy|Signature|Key-Pair-Id)(?:=|%3D).*$/is
/** A token before a path, whatever its parts are. */
const TOKEN = /\/(?:~|%7e)[^/]*(?:\.|%2e)[^/]*(?:\.|%2e)[^/]*/gi
/**
 * Policies, headers and claims are JSON in base64, which begins like this; the shortest signature has 86 characters,
 * the SHA-256 of a content by which files are named has 64.
 */
const PARTS = /eyJ[\w~-]{24,}|(?:[\w~+-]|%2B){72,}/g

/** Without any of these none of the above can match; nearly every path is without them. */
const SUSPECT = /[~%=]|[\w+-]{27}/

/**
 * A path, or path and query, as logs may hold it. Whoever builds a URL by hand loses a mark, a dot or a part, and what
 * is left is no grant but a path with a signature in it that a reader of the log could put right again.
 */
export function loggedPath(path: string): string {
  if (!SUSPECT.test(path)) return path
  return path.replace(TOKEN, '/~token').replace(PARAMETERS, '…').replace(PARTS, '…')
}
