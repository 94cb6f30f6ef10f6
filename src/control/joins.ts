import { createHash, randomBytes } from 'node:crypto'
import { SluiceError } from '../core/index.ts'
import type { JoinAnswer, JoinRequest, JoinToken, NewJoinToken } from '../client/index.ts'
import { renderJoinToken, softwareVersion, tooFarApart } from '../membership/index.ts'
import { ensureMark, type ObjectStore } from '../storage/index.ts'
import {
  addJoinToken,
  addNode,
  findJoinToken,
  useJoinToken,
  type Database,
  type Tx,
} from './database/index.ts'
import type { NodeAuthority } from './node-authority.ts'

export interface JoinsOptions {
  database: Database
  authority: () => Promise<NodeAuthority>
  /** Where other machines reach control; undefined when it listens on this one alone. */
  url: string | undefined
  /** Where control keeps media, and where an origin has to. */
  store: ObjectStore
}

/** Lets machines in: a token for each, and what it is exchanged for. */
export class Joins {
  readonly #options: JoinsOptions

  constructor(options: JoinsOptions) {
    this.#options = options
  }

  async token({ role, pop, ttlSeconds, url = this.#options.url }: NewJoinToken): Promise<JoinToken> {
    const { database, authority } = this.#options
    if (url === undefined) throw onlyHere()
    // Before the origin comes: it has to find it.
    if (role === 'origin') await ensureMark(this.#options.store)
    const secret = randomBytes(32).toString('base64url')
    const expiresAt = await database.transaction(async tx => {
      const ends = tx.now + ttlSeconds * 1000
      await addJoinToken(tx, { sha256: sha256(secret), role, pop, expiresAt: ends })
      return ends
    })
    const { fingerprint } = await authority()
    const token = renderJoinToken({ url, fingerprint, secret })
    return { token, role, pop, expires: new Date(expiresAt).toISOString() }
  }

  /** Rejects with SluiceError `other-storage` where an origin has found another mark, or none. */
  async checkStorage(mark: string | null): Promise<void> {
    const { store } = this.#options
    if (mark !== (await ensureMark(store))) throw otherStorage(store)
  }

  /**
   * Rejects with SluiceError `bad-join-token`, `node-taken`, `version-apart`, `other-storage`, `no-url` or `bad-request`;
   * `software` is the version that the machine says.
   */
  async join(
    { secret, id, publicKey, request, url, storage = null }: JoinRequest,
    software?: string,
  ): Promise<JoinAnswer> {
    const { database, authority } = this.#options
    // First, since what is signed is of no use to who is not let in.
    const made = await (await authority()).certify(id, request)
    const { role: wanted } = await database.read(tx => usable(tx, secret, id))
    if (wanted === 'origin') {
      if (url === null) throw noUrl()
      await this.checkStorage(storage)
    }
    const pass = await database.transaction(async tx => {
      const found = await usable(tx, secret, id)
      const apart = tooFarApart(software, softwareVersion())
      if (apart !== undefined)
        throw new SluiceError('version-apart', apart, { side: 'operator', kind: 'unauthorised' })
      const role = found.role as JoinAnswer['role'] // as `token` wrote it
      if (!id.startsWith(`${role}-`)) throw strangeId(id, role)
      // Only these: what a newer node says besides is told to nobody.
      const { kty, crv, x } = publicKey
      const node = { id, role, publicKey: { kty, crv, x }, pop: found.pop, url }
      if ((await addNode(tx, node)) === 'taken') throw taken(id)
      await useJoinToken(tx, sha256(secret), id)
      return { role, pop: found.pop }
    })
    return { ...made, ...pass }
  }
}

/** Used once, or again by who has not heard the answer. */
async function usable(tx: Tx, secret: string, by: JoinRequest['id']): Promise<{ role: string; pop: string }> {
  const found = await findJoinToken(tx, sha256(secret))
  if (found !== undefined && (found.usedBy === null || found.usedBy === by)) return found
  throw new SluiceError(
    'bad-join-token',
    'this join token is not known here, has expired or was used by another machine: make a new one with "sluice nodes token"',
    { side: 'operator', kind: 'unauthorised' },
  )
}

function sha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function onlyHere(): SluiceError {
  return new SluiceError(
    'control-is-local',
    'control listens on this machine alone, so no other can join: start it with --control 0.0.0.0:9000, or name its address with --url',
    { side: 'operator', kind: 'conflict' },
  )
}

function strangeId(id: string, role: string): SluiceError {
  return new SluiceError('wrong-role', `this join token is for the role ${role}, and ${id} is of another`, {
    side: 'operator',
    kind: 'unauthorised',
  })
}

function taken(id: string): SluiceError {
  return new SluiceError(
    'node-taken',
    `there is another node ${id}: remove the folder nodes of the data folder here and join again`,
    { side: 'operator', kind: 'conflict' },
  )
}

function noUrl(): SluiceError {
  return new SluiceError(
    'no-url',
    'other nodes have to reach an origin: start it with --origin HOST:PORT, or name its address with --node-url',
    { side: 'operator', kind: 'usage' },
  )
}

function otherStorage({ reach }: ObjectStore): SluiceError {
  return new SluiceError(
    'other-storage',
    reach === 'far'
      ? 'this origin keeps media elsewhere than control, and all have to share one store: start it with the --storage, and the --storage-endpoint, that control has'
      : 'control keeps media in a folder that this origin does not see: start control and all origins with one bucket (--storage s3://BUCKET), or let this origin have the same folder as origin/storage in its data folder',
    { side: 'operator', kind: 'conflict' },
  )
}
