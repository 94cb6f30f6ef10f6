/** Why a connection ended before anybody could answer a request of it in the ordinary way. */
export const TURNED_AWAY = [
  /** There are as many connections as there may be. */
  'full',
  /** Of this address there are as many as there may be. */
  'address-full',
  /** A trusted proxy sent a header that is none, or not in time. */
  'proxy-header',
  /** No TLS came about. */
  'tls',
  /** No whole head in time. */
  'slow-head',
  'large-head',
  /** No HTTP. */
  'malformed',
  /** An HTTP/2 connection broke the protocol's rules, or flooded it. */
  'http2',
] as const

export type TurnedAwayReason = (typeof TURNED_AWAY)[number]

/** Counts them, for the metric; one for all ports of a process. */
export class TurnedAway {
  readonly counts: Record<TurnedAwayReason, number>

  constructor() {
    const zeros = TURNED_AWAY.map((reason): [TurnedAwayReason, number] => [reason, 0])
    this.counts = Object.fromEntries(zeros) as TurnedAway['counts'] // made of all reasons
  }

  add(reason: TurnedAwayReason): void {
    this.counts[reason]++
  }
}
