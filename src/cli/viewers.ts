import { after, messageOf, SluiceError, type Instant, type Milliseconds } from '../core/index.ts'
import { resourceOfPath, signPath } from '../signing/index.ts'
import type { Context } from './command.ts'
import type { Server } from './server.ts'
import { behaviourOf, chooseSigner } from './signing-key.ts'

/** Where viewers reach the server: what its client file says, else the name of its first distribution. */
export async function viewersUrl(server: Server): Promise<string> {
  if (server.viewers !== undefined) return server.viewers
  return `http://${await domainOf(server)}`
}

async function domainOf(server: Server): Promise<string> {
  const distributions = await server.client.distributions()
  const own = distributions.find(each => each.fallback) ?? distributions[0]
  if (!own) throw new SluiceError('no-distribution', 'There is no distribution yet.', { kind: 'not-found' })
  return own.domain
}

/** How somebody plays an asset at once. */
export interface Playable {
  playlist: string
  /** The playlist with a path token where the path is gated; to be pasted into a player. */
  url: string
  /** Our own player page; a link for a browser. */
  player: string
  /** Null where the path is open to all. */
  expires: Instant | null
}

/** Long enough for a film and its interval. */
const OPEN_FOR: Milliseconds = 6 * 3_600_000

/**
 * A URL that plays: names of this machine resolve in browsers and curl but not in other players, so what is pasted
 * has the address, and the link has the name (SEAMS 37). Throws where the path is gated and no key here opens it.
 */
export async function playable(context: Context, server: Server, path: string): Promise<Playable> {
  const base = await viewersUrl(server)
  const entry = `${path}/index.m3u8`
  const place = { path: entry, host: undefined }
  const port = new URL(base).port
  const page = `http://${await domainOf(server)}${port === '' ? '' : `:${port}`}/.sluice/player`
  const playlist = `${base}${entry}`
  const behaviour = await behaviourOf(server, place)
  if (!behaviour?.gate) return { playlist, url: playlist, player: `${page}#${entry}`, expires: null }
  const signer = await chooseSigner(context, server, place)
  const expires = after(context.terminal.now(), OPEN_FOR)
  const { url } = signPath(signer, playlist, { expires, resource: resourceOfPath(path, 'inside') })
  return { playlist, url, player: `${page}#${url.slice(base.length)}`, expires }
}

/** The same for what was just published: without a key here it is the bare playlist, and a warning says so. */
export async function playableOrBare(context: Context, server: Server, path: string): Promise<Playable> {
  try {
    return await playable(context, server, path)
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const playlist = `${await viewersUrl(server)}${path}/index.m3u8`
    context.output.warn(`no link that opens it could be made: ${messageOf(error)}`)
    return { playlist, url: playlist, player: playlist, expires: null }
  }
}
