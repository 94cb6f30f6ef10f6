/** What a path under an asset names. */
export type Resource =
  | { kind: 'multivariant'; asset: string }
  | { kind: 'playlist' | 'init'; asset: string; rendition: string }
  | { kind: 'segment'; asset: string; rendition: string; number: number }

const UNDER_RENDITION =
  /^(\/.+)\/((?:video|audio)-[0-9a-f]{10})\/(?:(playlist\.m3u8)|(init\.mp4)|(0|[1-9]\d{0,7})\.m4s)$/

/** Reads a canonical path; undefined when nothing of ours is named like that. */
export function readResource(path: string): Resource | undefined {
  if (path.endsWith('/index.m3u8')) {
    const asset = path.slice(0, -'/index.m3u8'.length)
    return asset === '' ? undefined : { kind: 'multivariant', asset }
  }
  const match = UNDER_RENDITION.exec(path)
  if (!match) return undefined
  const [, asset = '', rendition = '', playlist, init, number] = match
  if (playlist !== undefined) return { kind: 'playlist', asset, rendition }
  if (init !== undefined) return { kind: 'init', asset, rendition }
  return { kind: 'segment', asset, rendition, number: Number(number) }
}
