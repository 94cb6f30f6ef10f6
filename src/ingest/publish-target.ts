import { loggedPath as withoutGrants } from '../signing/index.ts'

/** What an encoder wants to publish, wherever it split its URL into app and stream (SEAMS 13). */
export interface PublishTarget {
  path: string
  query: string
}

/**
 * Encoders differ: OBS puts all of its Server field into the app, ffmpeg cuts at the first or second slash, and a
 * query may stand behind either. A slash at the joint is the encoder's; everything else is kept as it was sent.
 */
export function targetOf(app: string, stream: string): PublishTarget {
  const [appPath, appQuery] = split(app)
  const [streamPath, streamQuery] = split(stream)
  const parts = [trimmed(appPath), trimmed(streamPath)].filter(part => part !== '')
  return {
    path: `/${parts.join('/')}`,
    query: [appQuery, streamQuery].filter(query => query !== '').join('&'),
  }
}

/** Longer than any channel's. */
const LONGEST_LOGGED = 512

/**
 * The path as logs may hold it. A stream key that was pasted with its `?` escaped or lost is all path, and with it the
 * signature; a path token lets its reader in as well.
 */
export function loggedPath(path: string): string {
  const end = path.search(/[?&=;]|%(?:3F|26|3D|3B|25)|Policy|Signature|Key-Pair-Id/i)
  const plain = end < 0 ? withoutGrants(path) : `${withoutGrants(path.slice(0, end))}…`
  return plain.slice(0, LONGEST_LOGGED)
}

function split(text: string): [string, string] {
  const mark = text.indexOf('?')
  return mark < 0 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)]
}

function trimmed(part: string): string {
  return part.slice(part.startsWith('/') ? 1 : 0, part.length > 1 && part.endsWith('/') ? -1 : undefined)
}

/** Host and port of an RTMP URL, without a name and password; undefined when it is none. */
export function authorityOf(tcUrl: string): string | undefined {
  return /^rtmp[a-z]{0,2}:\/\/(?:[^/?#@]*@)?((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?)(?:[/?#]|$)/i.exec(
    tcUrl,
  )?.[1]
}
