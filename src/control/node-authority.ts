import { X509Certificate } from 'node:crypto'
import { after, type Clock, type Milliseconds, type NodeId } from '../core/index.ts'
import type { NodeCertificate } from '../client/index.ts'
import {
  LEAF_LIFE,
  newAuthority,
  newLeaf,
  signRequest,
  type Authority,
  type NodeCredentials,
} from '../inbound/index.ts'
import { CONTROL_NAME, fingerprintOf, nodeName } from '../membership/index.ts'
import { keepAuthority, readAuthority, type Database } from './database/index.ts'

/** Also where a port of another machine leads here, as a container's does. */
const HERE = ['localhost', '127.0.0.1', '::1']
/** Made anew this long before its end. */
const RENEW_BEFORE: Milliseconds = 30 * 86_400_000

/**
 * Signs what control and nodes show each other (SEAMS 25). Its key lies in the database, so that each control process
 * signs with the same, and a backup has it.
 */
export class NodeAuthority {
  readonly #authority: Authority
  readonly #clock: Clock
  readonly fingerprint: string

  private constructor(authority: Authority, clock: Clock) {
    this.#authority = authority
    this.#clock = clock
    this.fingerprint = fingerprintOf(authority.certificate)
  }

  /** The database's, which is made where there is none yet. */
  static async open(database: Database, clock: Clock): Promise<NodeAuthority> {
    const known = await database.read(readAuthority)
    if (known !== undefined) return new NodeAuthority(known, clock)
    const made = await newAuthority('Sluice nodes', clock.now())
    const kept = await database.transaction(async tx => {
      await keepAuthority(tx, made)
      return readAuthority(tx)
    })
    return new NodeAuthority(kept ?? made, clock)
  }

  get certificate(): string {
    return this.#authority.certificate
  }

  /** What control shows; `names` are those under which people and their programs reach it. */
  async credentials(names: readonly string[]): Promise<NodeCredentials> {
    const pair = await newLeaf(this.#authority, {
      ...{ subject: 'control', names: [...new Set([CONTROL_NAME, ...HERE, ...names])] },
      ...{ usages: ['server'], now: this.#clock.now(), life: LEAF_LIFE },
    })
    return { ...pair, authority: this.certificate }
  }

  /** Whether it ends so soon that another is to be shown. */
  isLate({ certificate }: NodeCredentials): boolean {
    return Date.parse(new X509Certificate(certificate).validTo) < after(this.#clock.now(), RENEW_BEFORE)
  }

  /** Throws SluiceError `bad-request` for what is no request. */
  async certify(id: NodeId, request: string): Promise<NodeCertificate> {
    const certificate = await signRequest(this.#authority, request, {
      ...{ subject: id, names: [nodeName(id)], usages: ['server', 'client'] },
      ...{ now: this.#clock.now(), life: LEAF_LIFE },
    })
    return { certificate, authority: this.certificate }
  }
}
