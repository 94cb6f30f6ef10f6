import { newOriginAccessId, SluiceError } from '../core/index.ts'
import type {
  ChangedOriginAccess,
  NewOriginAccess,
  OriginAccessChange,
  OriginAccessInfo,
} from '../client/index.ts'
import type { OriginAccess } from '../distribution/index.ts'
import {
  deleteOriginAccess,
  listDistributions,
  listOriginAccess,
  saveOriginAccess,
  type Tx,
} from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'

const MOST_ACCESSES = 1_000

export async function listOriginAccessInfos(tx: Tx): Promise<OriginAccessInfo[]> {
  return (await listOriginAccess(tx)).map(infoOf)
}

export async function createOriginAccess(tx: Tx, input: NewOriginAccess): Promise<ChangedOriginAccess> {
  if ((await listOriginAccess(tx)).length >= MOST_ACCESSES)
    throw conflict('too-many', `there are ${MOST_ACCESSES} origin accesses already: delete one first`)
  const { name, kind = 'control', signing = 'always', credentials = null } = input
  return save(tx, { id: newOriginAccessId(), name, kind, signing, credentials })
}

/** New credentials take the place of the old; what is left out stays. */
export async function changeOriginAccess(
  tx: Tx,
  asked: string,
  change: OriginAccessChange,
): Promise<ChangedOriginAccess> {
  const before = await find(tx, asked)
  const { name = before.name, kind = before.kind, signing = before.signing } = change
  const credentials = change.credentials === undefined ? before.credentials : change.credentials
  return save(tx, { id: before.id, name, kind, signing, credentials })
}

/** The snapshot version without it. */
export async function removeOriginAccess(tx: Tx, asked: string): Promise<number> {
  const { id, name } = await find(tx, asked)
  for (const distribution of await listDistributions(tx)) {
    const user = distribution.origins.find(each => each.kind === 's3' && each.access === id)
    if (user) {
      throw conflict(
        'in-use',
        `the origin access "${name}" is used by the origin "${user.id}" of ${distribution.id}: take it out there first`,
      )
    }
  }
  return deleteOriginAccess(tx, id)
}

async function save(tx: Tx, access: OriginAccess): Promise<ChangedOriginAccess> {
  const problems = problemsOf(access)
  if (problems.length > 0) throw refusedInput('bad-origin-access', problems)
  const { id, name } = access
  if ((await listOriginAccess(tx)).some(each => each.id !== id && each.name === name))
    throw conflict(
      'exists',
      `there is an origin access "${name}" already: use another name, or delete that one`,
    )
  return { originAccess: infoOf(access), snapshotVersion: await saveOriginAccess(tx, access) }
}

/** The sentences hold no secret. */
function problemsOf({ name, kind, signing, credentials }: OriginAccess): string[] {
  const place = `the origin access "${name}"`
  const problems: string[] = []
  if (kind === 'identity' && signing !== 'always')
    problems.push(
      `${place} is an identity, which always signs: set "signing" to "always", or "kind" to "control"`,
    )
  if (credentials === null && signing !== 'never')
    problems.push(
      `${place} needs "credentials" to sign with: give accessKeyId and secretAccessKey, or set "signing" to "never"`,
    )
  // The key's id and the session's token stand in header fields.
  for (const [field, value] of Object.entries(credentials ?? {})) {
    if (!/^[\x21-\x7e]+$/.test(value))
      problems.push(`the ${field} of ${place} holds a space or a strange character: copy it anew`)
  }
  return problems
}

async function find(tx: Tx, asked: string): Promise<OriginAccess> {
  const all = await listOriginAccess(tx)
  const found = all.find(each => each.id === asked) ?? all.find(each => each.name === asked)
  if (found) return found
  const message = `there is no origin access ${asked}: sluice origin-access list names them`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

function infoOf({ id, name, kind, signing, credentials }: OriginAccess): OriginAccessInfo {
  return { id, name, kind, signing, accessKeyId: credentials?.accessKeyId ?? null }
}
