import { Lru, type Instant } from '../../core/index.ts'
import { networkOf } from '../networks.ts'

export interface AnswerRateOptions {
  /** Answers a second to one network: an IPv4 /24, an IPv6 /48. */
  perSecond: number
}

/** Networks that are watched at once; who comes back after being forgotten begins anew. */
const MOST_NETWORKS = 50_000

interface Spent {
  left: number
  at: Instant
  over: number
}

/**
 * How many answers over UDP a network gets, so that nobody can have others flooded in his name: senders can be forged.
 * Of what is too much every second question is told to come over TCP, where they cannot, so that a resolver which is
 * flooded in its name still gets its answers (response rate limiting).
 */
export class AnswerRate {
  readonly #perSecond: number
  readonly #spent = new Lru<string, Spent>({ max: MOST_NETWORKS })

  constructor({ perSecond }: AnswerRateOptions) {
    this.#perSecond = perSecond
  }

  /** `address` has to be one; what is none is held to the same as all others that are none. */
  admit(address: string, now: Instant): 'answer' | 'cut' | 'drop' {
    if (isOwnMachine(address)) return 'answer'
    const network = networkOf(address) ?? ''
    let spent = this.#spent.get(network)
    if (spent === undefined) this.#spent.set(network, (spent = { left: this.#perSecond, at: now, over: 0 }))
    spent.left = Math.min(
      this.#perSecond,
      spent.left + (Math.max(0, now - spent.at) / 1000) * this.#perSecond,
    )
    spent.at = now
    if (spent.left >= 1) {
      spent.left--
      return 'answer'
    }
    return spent.over++ % 2 === 0 ? 'cut' : 'drop'
  }
}

/** Nobody else can send from there. */
function isOwnMachine(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
