import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  after,
  codeOf,
  messageOf,
  reader,
  SluiceError,
  Type,
  type Clock,
  type Milliseconds,
} from '../core/index.ts'
import { JoinAnswer, NodeCertificate, type JoiningRole } from '../client/index.ts'
import { newRequest, type NodeCredentials } from '../inbound/index.ts'
import type { ControlLink } from './control-link.ts'
import { Controls } from './controls.ts'
import { HttpLine } from './exchange.ts'
import { loadOrCreateIdentity, type NodeIdentity } from './identity.ts'
import { fingerprintOf, readJoinToken } from './join-token.ts'
import { CONTROL_NAME } from './node-names.ts'
import { softwareVersion, VERSION_FIELD } from './software.ts'
import { writeWhole } from './write-whole.ts'

const Kept = Type.Object({
  /** Where control is. */
  controls: Type.Array(Type.String(), { minItems: 1 }),
  pop: Type.String(),
  /** Where control was told that others reach it; null for nobody asks it. */
  url: Type.Optional(Type.Union([Type.Null(), Type.String()])),
  authority: Type.String(),
  certificate: Type.String(),
  key: Type.String(),
})
type Kept = { controls: string[]; pop: string; url?: string | null } & NodeCredentials

const readKept = reader(Kept, 'the membership')
const readAuthority = reader(Type.Object({ authority: Type.String() }), 'the answer of control')
const readJoined = reader(JoinAnswer, 'the answer of control')
const readRenewed = reader(NodeCertificate, 'the answer of control')
const readProblem = reader(
  Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) }),
  'the error',
)

const RENEW_BEFORE: Milliseconds = 30 * 86_400_000
const PATIENCE: Milliseconds = 15_000
const LOOK_EVERY: Milliseconds = 3_600_000

/** A node's place among nodes of other machines: who control is, and what it shows them. */
export class Membership {
  /** Of all that this process asks of control. */
  readonly asked: Controls
  readonly #file: string
  #kept: Kept
  /** One at a time, each of what the one before has left. */
  #changing: Promise<void> = Promise.resolve()
  #credentials: NodeCredentials
  /** By the process's own clock. */
  #lookedAt = performance.now()

  private constructor(file: string, kept: Kept) {
    this.#file = file
    this.#kept = kept
    this.#credentials = credentialsOf(kept)
    this.asked = new Controls(kept.controls)
  }

  /** Of a node that has joined; undefined when it has not. Throws a sentence for a file that cannot be read. */
  static read(file: string): Membership | undefined {
    try {
      return new Membership(file, readKept(JSON.parse(readFileSync(file, 'utf8'))))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw new SluiceError(
        'bad-membership',
        `${file} cannot be read: remove it, and join again with a new token`,
        { side: 'operator', cause: error },
      )
    }
  }

  static async keep(file: string, kept: Kept): Promise<Membership> {
    await writeKept(file, kept)
    return new Membership(file, kept)
  }

  /** The same object as long as they are the same. Another process of this node may have renewed them. */
  get credentials(): NodeCredentials {
    if (performance.now() - this.#lookedAt > LOOK_EVERY) this.#look()
    return this.#credentials
  }

  #look(): void {
    this.#lookedAt = performance.now()
    try {
      const kept = readKept(JSON.parse(readFileSync(this.#file, 'utf8')))
      if (kept.certificate !== this.#kept.certificate) this.#take(kept)
    } catch {
      // What was read before is good for another month.
    }
  }

  #take(kept: Kept): void {
    const other = kept.certificate !== this.#kept.certificate
    this.#kept = kept
    if (other) this.#credentials = credentialsOf(kept)
  }

  /** Of a node that control knows already by its token. Rejects when control does not certify it. */
  static async obtain(
    file: string,
    ask: ControlLink,
    of: { id: string; url: string | null; controlUrl: string; signal: AbortSignal },
  ): Promise<Membership> {
    return Membership.keep(file, {
      ...{ ...(await certified(ask, of)), controls: [of.controlUrl], pop: '', url: of.url },
    })
  }

  get controls(): readonly string[] {
    return this.#kept.controls
  }

  get pop(): string {
    return this.#kept.pop
  }

  /**
   * Asks for another certificate in the last month of this one, and where this node has moved, which tells control where
   * it is now. Rejects when control does not give one.
   */
  async renew(
    ask: ControlLink,
    of: { id: string; url: string | null; clock: Clock; signal: AbortSignal },
  ): Promise<'good' | 'renewed'> {
    const ends = Date.parse(new X509Certificate(this.#kept.certificate).validTo)
    const { url = null } = this.#kept
    if (url === of.url && ends > after(of.clock.now(), RENEW_BEFORE)) return 'good'
    const renewed = await certified(ask, of)
    await this.#change({ ...renewed, url: of.url })
    return 'renewed'
  }

  /**
   * Control says where it is to be found. What the token of the join named stays the first: control may not know by which
   * address this node reaches it.
   */
  async learn(controls: readonly string[]): Promise<void> {
    const [first = ''] = this.#kept.controls
    const urls = [first, ...controls.filter(url => url !== first)]
    if (JSON.stringify(urls) === JSON.stringify(this.#kept.controls)) return
    this.asked.set(urls)
    await this.#change({ controls: urls })
  }

  #change(change: Partial<Kept>): Promise<void> {
    const changed = this.#changing.then(async () => {
      const kept = { ...this.#kept, ...change }
      await writeKept(this.#file, kept)
      this.#take(kept)
    })
    this.#changing = changed.catch(() => {}) // who asked is told
    return changed
  }
}

function writeKept(file: string, kept: Kept): Promise<void> {
  return writeWhole(file, `${JSON.stringify(kept, null, 2)}\n`, 0o600)
}

async function certified(
  ask: ControlLink,
  { id, url, signal }: { id: string; url: string | null; signal: AbortSignal },
): Promise<NodeCredentials> {
  const { request, key } = await newRequest(id)
  const answer = await ask({ method: 'POST', path: '/v1/node/certificate', body: { request, url }, signal })
  if (answer.status !== 200) throw new SluiceError('not-certified', `control answered ${answer.status}`)
  return { ...readRenewed(answer.body), key }
}

function credentialsOf({ certificate, key, authority }: Kept): NodeCredentials {
  return { certificate, key, authority }
}

export interface JoinOptions {
  token: string
  role: JoiningRole
  identityFile: string
  membershipFile: string
  /** Where other nodes will reach this one over TLS; null when nobody asks it. */
  url: string | null
  /** Of an origin: the mark that it has found in its storage. */
  storage?: string | null
}

/**
 * Exchanges a join token for a place among the nodes. The secret is sent to nobody but who proves to be the control of
 * whom the token speaks. Rejects with a sentence.
 */
export async function join(
  options: JoinOptions,
): Promise<{ identity: NodeIdentity; membership: Membership }> {
  const { url, fingerprint, secret } = readJoinToken(options.token)
  const identity = await loadOrCreateIdentity(options.identityFile, options.role)
  const authority = await authorityOf(url, fingerprint)
  const { request, key } = await newRequest(identity.id)
  const { kty, crv, x } = identity.publicJwk
  const asked = {
    ...{ secret, id: identity.id, publicKey: { kty, crv, x }, request },
    url: options.url,
    ...(options.storage !== undefined && { storage: options.storage }),
  }
  const line = new HttpLine({ ca: authority, servername: CONTROL_NAME })
  const { status, text } = await askControl(line, `${url}/v1/node/join`, JSON.stringify(asked))
  if (status !== 200) throw refused(text)
  const joined = readJoined(JSON.parse(text))
  const membership = await Membership.keep(options.membershipFile, {
    ...{ controls: [url], pop: joined.pop, url: options.url, key },
    ...{ certificate: joined.certificate, authority: joined.authority },
  })
  return { identity, membership }
}

/** Whoever answers may be anybody; the fingerprint says whether it is the authority of whom the token speaks. */
async function authorityOf(url: string, fingerprint: string): Promise<string> {
  const { status, text } = await askControl(new HttpLine({ of: 'anybody' }), `${url}/v1/node/authority`)
  try {
    if (status !== 200) throw new Error(`it answered ${status}`)
    const { authority } = readAuthority(JSON.parse(text))
    if (fingerprintOf(authority) === fingerprint) return authority
    throw new Error('it has another authority')
  } catch (error) {
    throw new SluiceError(
      'not-control',
      `${url} is not the control that made this join token (${messageOf(error)}): ask for a new token there, or mend what stands in between`,
      { side: 'operator', cause: error },
    )
  }
}

async function askControl(
  line: HttpLine,
  url: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  try {
    const method = body === undefined ? 'GET' : 'POST'
    const said = { [VERSION_FIELD]: softwareVersion() }
    const headers = body === undefined ? said : { ...said, 'content-type': 'application/json' }
    const asked = { method, url, headers, within: PATIENCE, ...(body !== undefined && { body }) } as const
    const { status, bytes } = await line.ask(asked)
    return { status, text: bytes.toString() }
  } catch (error) {
    throw new SluiceError(
      'control-away',
      `${new URL(url).origin} does not answer (${codeOf(error) ?? messageOf(error)}): is control started there, and may this machine reach it?`,
      { side: 'operator', kind: 'unavailable', cause: error },
    )
  } finally {
    line.close()
  }
}

function refused(text: string): SluiceError {
  try {
    const { code, message } = readProblem(JSON.parse(text)).error
    return new SluiceError(code, message, { side: 'operator', kind: 'unauthorised' })
  } catch {
    return new SluiceError('join-refused', 'control refused, and does not say why: look into its log', {
      side: 'operator',
    })
  }
}
