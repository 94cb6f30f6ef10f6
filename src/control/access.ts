import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SluiceError, type Clock, type NodeId } from '../core/index.ts'
import type { CreatedToken, NewToken, Scope } from '../client/index.ts'
import { newAccessKey } from '../signing/index.ts'
import { isAuthorised } from '../inbound/index.ts'
import {
  CLOCK_FIELD,
  isOff,
  offsetTo,
  readInstant,
  softwareVersion,
  spokenOffset,
  tooFarApart,
  VERSION_FIELD,
  type ClockOffset,
  type PeerVerdict,
  type PeerVerifier,
} from '../membership/index.ts'
import { findTokenScopes, insertToken, type Database } from './database/index.ts'
import type { Access } from './route.ts'

export interface GateOptions {
  adminTokenSha256: string
  peers: PeerVerifier
  clock: Clock
  heard(id: NodeId): void
  /** A node was refused, since its clock is so far from control's. */
  untimely(id: NodeId, offset: ClockOffset): void
  /** A node was refused, since its Sluice is of another time; undefined where it said none. */
  apart(id: NodeId, version: string | undefined): void
}

/** Who may do what. Tokens are kept as SHA-256 only; 256 random bits need no slower hash. */
export class Gate {
  readonly #database: Database
  readonly #adminHash: Buffer
  readonly #options: GateOptions

  constructor(database: Database, options: GateOptions) {
    this.#database = database
    this.#adminHash = Buffer.from(options.adminTokenSha256, 'hex')
    this.#options = options
  }

  /** Throws SluiceError for who may not; gives the node's id where a node asked. */
  async authorise(access: Access, request: IncomingMessage): Promise<NodeId | undefined> {
    const { headers } = request
    switch (access.kind) {
      case 'public':
        return undefined
      case 'token':
        await this.#checkToken(access.scope, headers.authorization)
        return undefined
      case 'node':
        return this.#checkNode(access, request)
    }
  }

  async #checkToken(scope: Scope, header: string | undefined): Promise<void> {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1]
    if (token === undefined) {
      throw unauthorised('no-token', 'this needs a token: send Authorization: Bearer TOKEN')
    }
    const hash = createHash('sha256').update(token).digest()
    if (hash.length === this.#adminHash.length && timingSafeEqual(hash, this.#adminHash)) return
    // Found by its hash: how long that takes says nothing about the token.
    const scopes = await this.#database.read(tx => findTokenScopes(tx, hash.toString('hex')))
    if (!scopes)
      throw unauthorised('bad-token', 'this token is not known here: make one with sluice tokens create')
    if (scope === 'read' || scopes.includes(scope) || scopes.includes('admin')) return
    throw unauthorised(
      'scope',
      `this token may not do that: it needs the scope "${scope}" and has ${scopes.join(', ')}`,
    )
  }

  async #checkNode(access: Access & { kind: 'node' }, request: IncomingMessage): Promise<NodeId> {
    const { headers, socket } = request
    const header = headers['sluice-node']
    const verdict = await this.#options.peers.verify(typeof header === 'string' ? header : undefined)
    if (verdict.kind === 'refused')
      throw (
        this.#refuseClock(verdict, request) ??
        unauthorised('not-a-node', `this is for nodes of the CDN only: ${verdict.why}`)
      )
    if (!access.roles.includes(verdict.role)) {
      throw unauthorised(
        'wrong-role',
        `this is for nodes of the role ${access.roles.join(' or ')}, not ${verdict.role}`,
      )
    }
    // From other machines it shows a certificate beside its token (SEAMS 25), and both are of one node.
    if (!isAuthorised(socket, verdict.id))
      throw unauthorised('no-certificate', `${verdict.id} shows no certificate of its own: join again`)
    this.#checkVersion(verdict.id, headers[VERSION_FIELD])
    this.#options.heard(verdict.id)
    return verdict.id
  }

  #checkVersion(id: NodeId, field: string | string[] | undefined): void {
    const version = typeof field === 'string' ? field : undefined
    const apart = tooFarApart(version, softwareVersion())
    if (apart === undefined) return
    this.#options.apart(id, version)
    throw unauthorised('version-apart', apart)
  }

  /** Without this, a node whose clock is wrong would only be away. What is old and sent again does not count as that. */
  #refuseClock(
    { untimely: id }: PeerVerdict & { kind: 'refused' },
    { headers, socket }: IncomingMessage,
  ): SluiceError | undefined {
    const said = readInstant(headers[CLOCK_FIELD])
    if (id === undefined || said === undefined || !isAuthorised(socket, id)) return undefined
    const offset = offsetTo(this.#options.clock.now(), { at: said, took: 0 })
    if (!isOff(offset)) return undefined
    this.#options.untimely(id, offset)
    return unauthorised(
      'clock-off',
      `the clock of ${id} is ${spokenOffset(offset)} control's, and tokens are good for less: let NTP set both`,
    )
  }
}

/** The token stands in this answer and nowhere else; the secret of its access key also in the database. */
export async function createToken(database: Database, wanted: NewToken): Promise<CreatedToken> {
  const token = `sluice_${randomBytes(32).toString('base64url')}`
  const id = `T${randomBytes(6).toString('hex')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const scopes = [...new Set(wanted.scopes)]
  const accessKey = newAccessKey()
  const row = { id, name: wanted.name, sha256, scopes, accessKey }
  const made = await database.transaction(tx => insertToken(tx, row))
  return { ...made, token, secretAccessKey: accessKey.secret }
}

function unauthorised(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'unauthorised' })
}
