/** The path of an asset or channel, with its leading slash: `/members/talk`. Exact and case-sensitive (SEAMS 2). */
export type AssetPath = string & { readonly path: 'asset' }

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const LONGEST = 512

export type AssetPathResult = { kind: 'ok'; path: AssetPath } | { kind: 'bad'; why: string }

/** Checks a path that somebody wants to publish at. A missing leading slash is added, a trailing one is refused. */
export function parseAssetPath(text: string): AssetPathResult {
  const path = text.startsWith('/') ? text : `/${text}`
  if (path.length > LONGEST)
    return bad(`a path has at most ${LONGEST} characters, this one has ${path.length}`)
  const segments = path.slice(1).split('/')
  for (const segment of segments) {
    if (segment === '') return bad('a path has no empty segment and no slash at its end')
    if (!SEGMENT.test(segment)) {
      return bad(
        `"${segment}" cannot be a segment: use letters, digits, ".", "_" and "-", begin with a letter or digit, at most 128`,
      )
    }
  }
  return { kind: 'ok', path: path as AssetPath }
}

/** The paths at or above a request's path that could be an asset, longest first: `/a/b/c` gives `/a/b/c`, `/a/b`, `/a`. */
export function enclosingPaths(path: string): string[] {
  const found: string[] = []
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) found.push(path.slice(0, end))
  return found
}

/** Whether one path is the other or lies inside it; compared by segments, so `/a/bc` is not inside `/a/b`. */
export function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)
}

function bad(why: string): AssetPathResult {
  return { kind: 'bad', why }
}
