import type { IssuerId } from '../../core/index.ts'
import type { PublicJwk, TrustedIssuer } from '../../distribution/index.ts'
import type { IssuerSet } from '../../outbound/index.ts'
import { trustIssuer, type IssuerTrust } from '../../signing/index.ts'

interface Known {
  issuer: TrustedIssuer
  /** Issuer and keys as text, to see whether anything is new: what was verified under the same trust stays verified. */
  said: string
  trust: IssuerTrust
}

/** The keys of token issuers as the manager hands them out. It alone asks the issuers, however many workers there are. */
export class PushedIssuers {
  readonly #askManager: (issuer: IssuerId) => Promise<unknown>
  #sets = new Map<IssuerId, readonly PublicJwk[]>()
  #known = new Map<IssuerId, Known>()

  constructor(askManager: (issuer: IssuerId) => Promise<unknown>) {
    this.#askManager = askManager
  }

  /** Comes before the snapshot that names their issuers. */
  take(sets: readonly IssuerSet[]): void {
    this.#sets = new Map(sets.map(({ issuer, keys }) => [issuer, keys]))
    this.follow([...this.#known.values()].map(({ issuer }) => issuer))
  }

  follow(issuers: readonly TrustedIssuer[]): void {
    const before = this.#known
    this.#known = new Map(issuers.map(issuer => [issuer.id, this.#read(issuer, before.get(issuer.id))]))
  }

  of(id: IssuerId): IssuerTrust | undefined {
    return this.#known.get(id)?.trust
  }

  /** As `IssuerKeys.renew`. */
  async renew(id: IssuerId): Promise<void> {
    if (this.#known.get(id)?.issuer.keys.kind !== 'url') return
    await this.#askManager(id).catch(() => {}) // what is known stays known
  }

  #read(issuer: TrustedIssuer, before: Known | undefined): Known {
    const keys = issuer.keys.kind === 'inline' ? issuer.keys.keys : (this.#sets.get(issuer.id) ?? [])
    const said = JSON.stringify([issuer, keys])
    return before?.said === said ? before : { issuer, said, trust: trustIssuer(issuer, keys) }
  }
}
