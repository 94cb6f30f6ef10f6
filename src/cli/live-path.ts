import { parseAssetPath } from '../core/index.ts'
import { usage } from './usage.ts'

/** A channel's path as somebody wrote it, with its leading slash; throws a usage error for what can be none. */
export function channelPath(given: string): string {
  const parsed = parseAssetPath(given)
  if (parsed.kind === 'bad') throw usage('bad-path', `"${given}" cannot be a channel: ${parsed.why}.`)
  if (parsed.path.indexOf('/', 1) !== -1) return parsed.path
  throw usage(
    'bad-path',
    `A channel needs two segments at least, for the app and the stream of RTMP: /live${parsed.path} instead of ${parsed.path}.`,
  )
}
