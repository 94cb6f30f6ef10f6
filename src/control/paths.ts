import { parseAssetPath, SluiceError, type AssetPath } from '../core/index.ts'

/** What somebody wants to publish at; throws SluiceError `bad-path`. */
export function assetPath(text: string): AssetPath {
  const parsed = parseAssetPath(text)
  if (parsed.kind === 'ok') return parsed.path
  throw new SluiceError('bad-path', parsed.why, { side: 'operator', kind: 'usage' })
}

/** A channel's path: one of an asset, with a segment for RTMP's app and one for its stream at least (SEAMS 2). */
export function channelPath(text: string): AssetPath {
  const path = assetPath(text)
  if (path.indexOf('/', 1) !== -1) return path
  throw new SluiceError(
    'bad-path',
    `a channel needs two segments at least, for the app and the stream of RTMP: /live${path} instead of ${path}`,
    { side: 'operator', kind: 'usage' },
  )
}
