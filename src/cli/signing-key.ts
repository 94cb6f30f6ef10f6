import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { DistributionInfo } from '../client/index.ts'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'
import {
  compileDistribution,
  compileMatcher,
  type Behaviour,
  type Distribution,
} from '../distribution/index.ts'
import { createSigner, type Signer } from '../signing/index.ts'
import { text, type Context } from './command.ts'
import { dataFolder, type Server } from './server.ts'

/** Where a grant is for: the canonical or wildcard path, and the host when a whole URL was given. */
export interface GrantPlace {
  path: string
  host: string | undefined
}

const KEY_FILE = /^([A-Z0-9]{1,64})\.pem$/

/** Whose signatures count. */
export interface Trust {
  path: string
  /** The group that a new key is to be made in. */
  group: string
  /** Undefined when nobody can tell: then the newest key is taken. */
  ids: () => Promise<string[] | undefined>
}

/** The private key that signs for viewers of a place: of those that the behaviour of the path trusts. */
export function chooseSigner(
  context: Context,
  server: Server | undefined,
  place: GrantPlace,
): Promise<Signer> {
  const ids = (): Promise<string[] | undefined> =>
    server === undefined ? Promise.resolve(undefined) : trustedIds(server, place)
  return chooseTrustedSigner(context, { path: place.path, group: 'default', ids })
}

/**
 * The private key that signs: --key-file; or --key ID from DATA/keys; or the newest one in DATA/keys that is trusted.
 * Control tells which those are; the key itself goes nowhere.
 */
export async function chooseTrustedSigner(context: Context, trust: Trust): Promise<Signer> {
  const id = text(context.options, 'key')
  const file = text(context.options, 'keyFile')
  if (file !== undefined) return signerOfFile(resolve(context.terminal.cwd, file), id)
  const folder = dataFolder(context)?.keys
  if (id !== undefined) {
    const path = folder && join(folder, `${id}.pem`)
    if (path !== undefined && KEY_FILE.test(`${id}.pem`) && existsSync(path)) return signerOfFile(path, id)
    throw refusal(
      'no-key',
      `The private key of ${id} is not in ${folder ?? 'a data folder here'}: name its file with --key-file.`,
      'not-found',
    )
  }
  const here = folder === undefined ? [] : newestFirst(folder)
  const trusted = await trust.ids()
  const chosen = here.find(each => trusted === undefined || trusted.includes(each.id))
  if (!chosen) {
    throw refusal(
      'no-key',
      `No private key here is trusted for ${trust.path}: make one with "sluice keys create NAME${trust.group === 'default' ? '' : ` --group ${trust.group}`}", or name one with --key and --key-file.`,
      'failed',
    )
  }
  return signerOfFile(chosen.path, chosen.id)
}

/** The ids that may sign for a path; every trusted id where the path is open to all. Undefined when nobody can tell. */
async function trustedIds(server: Server, place: GrantPlace): Promise<string[] | undefined> {
  try {
    const [behaviour, groups] = await Promise.all([behaviourOf(server, place), server.client.keyGroups()])
    const gates = behaviour?.gate?.keyGroups
    return groups
      .filter(group => gates === undefined || gates.includes(group.id))
      .flatMap(group => group.keys)
  } catch (error) {
    if (error instanceof SluiceError && error.kind === 'unavailable') return undefined
    throw error
  }
}

/** The behaviour that a request for this place would meet. */
export async function behaviourOf(server: Server, place: GrantPlace): Promise<Behaviour | undefined> {
  const distributions = (await server.client.distributions()).map(served)
  const fallback = distributions.find(each => each.fallback)
  const matcher = compileMatcher({ distributions, fallbackDistribution: fallback?.id ?? null })
  const wanted =
    place.host === undefined
      ? fallback && compileDistribution(fallback)
      : matcher.distribution(place.host.replace(/:\d+$/, ''))
  // A wildcard stands for some name below it.
  return wanted?.behaviour(place.path.replaceAll('*', 'x'))
}

/** Whom a path asks for is told by behaviours alone; secrets of origins are not told here anyway. */
function served(info: DistributionInfo): Distribution & { fallback: boolean } {
  const origins = info.origins.map(origin => (origin.kind === 'http' ? { ...origin, headers: [] } : origin))
  return { ...info, origins }
}

function newestFirst(folder: string): { id: string; path: string }[] {
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names
    .flatMap(name => {
      const id = KEY_FILE.exec(name)?.[1]
      const path = join(folder, name)
      return id === undefined ? [] : [{ id, path, made: statSync(path).mtimeMs }]
    })
    .sort((one, other) => other.made - one.made)
}

function signerOfFile(path: string, asked: string | undefined): Signer {
  const id = asked ?? KEY_FILE.exec(basename(path))?.[1]
  if (id === undefined) {
    throw refusal('no-key-id', `Which key is ${path}? Name its id with --key.`, 'usage')
  }
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (error) {
    throw refusal(
      'no-key',
      `The key file ${path} cannot be read (${codeOf(error) ?? messageOf(error)}).`,
      'not-found',
    )
  }
  return createSigner(pem, id)
}

function refusal(code: string, sentence: string, kind: 'failed' | 'usage' | 'not-found'): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind })
}
