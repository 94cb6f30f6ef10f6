import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SluiceError, type NodeId } from '../core/index.ts'
import type { CreatedToken, NewToken, Scope } from '../client/index.ts'
import { isAuthorised } from '../inbound/index.ts'
import type { PeerVerifier } from '../membership/index.ts'
import { findTokenScopes, insertToken, type Database } from './database/index.ts'
import type { Access } from './route.ts'

/** Who may do what. Tokens are kept as SHA-256 only; 256 random bits need no slower hash. */
export class Gate {
  readonly #database: Database
  readonly #adminHash: Buffer
  readonly #peers: PeerVerifier
  readonly #heard: (id: NodeId) => void

  constructor(
    database: Database,
    options: { adminTokenSha256: string; peers: PeerVerifier; heard(id: NodeId): void },
  ) {
    this.#database = database
    this.#adminHash = Buffer.from(options.adminTokenSha256, 'hex')
    this.#peers = options.peers
    this.#heard = id => options.heard(id)
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

  async #checkNode(access: Access & { kind: 'node' }, { headers, socket }: IncomingMessage): Promise<NodeId> {
    const header = headers['sluice-node']
    const verdict = await this.#peers.verify(typeof header === 'string' ? header : undefined)
    if (verdict.kind === 'refused')
      throw unauthorised('not-a-node', `this is for nodes of the CDN only: ${verdict.why}`)
    if (!access.roles.includes(verdict.role)) {
      throw unauthorised(
        'wrong-role',
        `this is for nodes of the role ${access.roles.join(' or ')}, not ${verdict.role}`,
      )
    }
    // From other machines it shows a certificate beside its token (SEAMS 25), and both are of one node.
    if (!isAuthorised(socket, verdict.id))
      throw unauthorised('no-certificate', `${verdict.id} shows no certificate of its own: join again`)
    this.#heard(verdict.id)
    return verdict.id
  }
}

/** The token stands in this answer and nowhere else. */
export async function createToken(database: Database, wanted: NewToken): Promise<CreatedToken> {
  const token = `sluice_${randomBytes(32).toString('base64url')}`
  const id = `T${randomBytes(6).toString('hex')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const scopes = [...new Set(wanted.scopes)]
  const made = await database.transaction(tx => insertToken(tx, { id, name: wanted.name, sha256, scopes }))
  return { ...made, token }
}

function unauthorised(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'unauthorised' })
}
