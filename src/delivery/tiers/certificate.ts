import { messageOf } from '../../core/index.ts'
import type { PeerNode } from '../../distribution/index.ts'
import {
  keepRenewed,
  Membership,
  obtainMembership,
  type Renewal,
  type RenewalOptions,
} from '../../membership/index.ts'

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
  readonly #closing = new AbortController()
  #obtaining: Promise<void> | undefined
  #renewing: Renewal | undefined

  constructor(options: CertificateOptions) {
    this.#options = options
  }

  /** To be told of the nodes of each snapshot; what fails is tried again with the next. */
  look(nodes: readonly PeerNode[]): void {
    const needed = nodes.some(({ role, url }) => role === 'regional' && url?.startsWith('https:') === true)
    if (!needed || this.#obtaining !== undefined || Membership.read(this.#options.file) !== undefined) return
    this.#obtaining = this.#obtain().finally(() => (this.#obtaining = undefined))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#obtaining
    await this.#renewing?.close()
  }

  async #obtain(): Promise<void> {
    const options = { ...this.#options, url: null }
    const { signal } = this.#closing
    try {
      const membership = await obtainMembership({ ...options, signal })
      if (!signal.aborted) this.#renewing = keepRenewed(membership, options)
    } catch (error) {
      if (!signal.aborted) options.log.warn({ error: messageOf(error) }, 'no certificate was given')
    }
  }
}
