import { messageOf } from '../../core/index.ts'
import type { PeerNode } from '../../distribution/index.ts'
import { Membership, obtainMembership, type RenewalOptions } from '../../membership/index.ts'

export interface CertificateOptions extends Omit<RenewalOptions, 'membership' | 'url'> {
  /** Where it is kept. */
  file: string
}

/**
 * The certificate of an edge that runs beside its control and asks nobody on another machine, until a regional cache has
 * joined there: from then on it needs one.
 */
export class CertificateWhenNeeded {
  readonly #options: CertificateOptions
  #obtaining: Promise<unknown> | undefined

  constructor(options: CertificateOptions) {
    this.#options = options
  }

  /** To be told of the nodes of each snapshot; what fails is tried again with the next. */
  look(nodes: readonly PeerNode[]): void {
    const needed = nodes.some(({ role, url }) => role === 'regional' && url?.startsWith('https:') === true)
    if (!needed || this.#obtaining !== undefined || Membership.read(this.#options.file) !== undefined) return
    this.#obtaining = obtainMembership({ ...this.#options, url: null })
      .catch((error: unknown) =>
        this.#options.log.warn({ error: messageOf(error) }, 'no certificate was given'),
      )
      .finally(() => (this.#obtaining = undefined))
  }

  /** Waits for what is under way, a minute at most. */
  async close(): Promise<void> {
    await this.#obtaining
  }
}
