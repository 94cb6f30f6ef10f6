import { canonicalPath, SluiceError } from '../core/index.ts'
import { resourceOfPath } from '../signing/index.ts'
import type { Server } from './server.ts'
import type { GrantPlace } from './signing-key.ts'

/** What `sign` was given, understood. */
export interface SignTarget {
  /** What the policy opens. */
  resource: string
  place: GrantPlace
  /** `http://host:port` of a whole URL; undefined when only a path was given or the host is a wildcard. */
  site: string | undefined
  /** Path and query of the one thing to open first; undefined where a wildcard hides it. May ask control. */
  opens: () => Promise<string | undefined>
}

/**
 * A URL stands for itself. A path stands for `*://*PATH`, and for all inside it when it is an asset or channel (SEAMS 7):
 * control knows that, and out of its reach the caller must say `/*` or give a URL.
 */
export async function signTarget(text: string, server: () => Server): Promise<SignTarget> {
  if (text.startsWith('/')) return pathTarget(text, server)
  const match = /^(https?|\*):\/\/([^/?]+)(\/.*)?$/.exec(text)
  if (!match) {
    throw usage(
      `"${text}" can be signed neither as a path nor as a URL: begin it with "/", "http://" or "https://".`,
    )
  }
  const [, scheme = '', host = '', rest = '/'] = match
  const path = rest.replace(/\?.*$/, '')
  const named = scheme !== '*' && !host.includes('*')
  return {
    resource: text,
    place: { path, host: named ? host : undefined },
    site: named ? `${scheme}://${host}` : undefined,
    opens: () => firstOf(rest, server),
  }
}

async function pathTarget(path: string, server: () => Server): Promise<SignTarget> {
  const place = { path, host: undefined }
  if (path.includes('*')) {
    const opens = (): Promise<string | undefined> => firstOf(path, server)
    return { resource: resourceOfPath(path, 'exact'), place, site: undefined, opens }
  }
  const canonical = canonicalPath(path)
  if (canonical.kind === 'bad')
    throw usage(`"${path}" is no path that viewers can ask for (${canonical.why}).`)
  if (await isAsset(path, server)) {
    const inside = { path: `${path}/*`, host: undefined }
    return {
      resource: resourceOfPath(path, 'inside'),
      place: inside,
      site: undefined,
      opens: () => Promise.resolve(`${path}/index.m3u8`),
    }
  }
  return {
    resource: resourceOfPath(path, 'exact'),
    place,
    site: undefined,
    opens: () => Promise.resolve(path),
  }
}

async function isAsset(path: string, server: () => Server): Promise<boolean> {
  try {
    const { client } = server()
    await client.asset(path).catch(async (error: unknown) => {
      if (!(error instanceof SluiceError) || error.kind !== 'not-found') throw error
      await client.channel(path)
    })
    return true
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    // A path that can be no asset is refused as bad input.
    if (error.kind === 'not-found' || error.kind === 'usage') return false
    if (error.kind !== 'unavailable' && error.code !== 'no-server') throw error
    throw usage(
      `Whether ${path} is a film, a channel or a single file is for control to say, which does not answer: sign "${path}/*" or a whole URL.`,
    )
  }
}

/**
 * What somebody opens first of a path: its playlist where `/*` stands behind a film, the folder where that is not
 * known; undefined where a wildcard elsewhere hides it.
 */
async function firstOf(path: string, server: () => Server): Promise<string | undefined> {
  if (!path.includes('*')) return path
  const folder = path.endsWith('/*') ? path.slice(0, -1) : path
  if (folder.includes('*')) return undefined
  return (await isKnownAsset(folder.slice(0, -1), server)) ? `${folder}index.m3u8` : folder
}

/** A wildcard says what is meant, so it is signed whether or not control can be asked. */
async function isKnownAsset(path: string, server: () => Server): Promise<boolean> {
  try {
    return await isAsset(path, server)
  } catch (error) {
    if (error instanceof SluiceError) return false
    throw error
  }
}

function usage(sentence: string): SluiceError {
  return new SluiceError('bad-target', sentence, { side: 'operator', kind: 'usage' })
}
