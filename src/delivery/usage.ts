import type { DistributionId } from '../core/index.ts'
import type { Metrics } from '../telemetry/index.ts'
import type { Exchange } from './exchange.ts'

/** Traffic of one distribution since the process began. */
export interface Traffic {
  requests: number
  bytes: number
}

const NOBODY = 'none'

/** Counts requests and bytes by distribution, scheme, cache result and reason; the hot path only adds to plain numbers. */
export class Usage {
  readonly #traffic = new Map<string, Traffic>()
  readonly #results = new Map<string, number>()
  readonly #refusals = new Map<string, number>()

  constructor(metrics: Metrics) {
    metrics.collected('sluice_requests_total', 'Requests of viewers', ['distribution', 'scheme'], () =>
      this.#read(t => t.requests),
    )
    metrics.collected('sluice_bytes_total', 'Body bytes sent to viewers', ['distribution', 'scheme'], () =>
      this.#read(t => t.bytes),
    )
    metrics.collected('sluice_cache_results_total', 'How requests were answered', ['result'], () =>
      [...this.#results].map(([result, n]) => [{ result }, n] as [Record<string, string>, number]),
    )
    metrics.collected('sluice_refusals_total', 'Requests that were refused', ['reason'], () =>
      [...this.#refusals].map(([reason, n]) => [{ reason }, n] as [Record<string, string>, number]),
    )
  }

  add(x: Exchange): void {
    const key = `${x.served?.distribution.id ?? NOBODY} ${x.viewer?.scheme ?? 'http'}`
    let traffic = this.#traffic.get(key)
    if (!traffic) this.#traffic.set(key, (traffic = { requests: 0, bytes: 0 }))
    traffic.requests++
    traffic.bytes += x.bodyBytes
    this.#results.set(x.cache, (this.#results.get(x.cache) ?? 0) + 1)
    if (x.reason) this.#refusals.set(x.reason, (this.#refusals.get(x.reason) ?? 0) + 1)
  }

  of(distribution: DistributionId): Traffic {
    const sum: Traffic = { requests: 0, bytes: 0 }
    for (const [key, traffic] of this.#traffic) {
      if (!key.startsWith(`${distribution} `)) continue
      sum.requests += traffic.requests
      sum.bytes += traffic.bytes
    }
    return sum
  }

  *#read(value: (traffic: Traffic) => number): Generator<[Record<string, string>, number]> {
    for (const [key, traffic] of this.#traffic) {
      const [distribution = NOBODY, scheme = 'http'] = key.split(' ')
      yield [{ distribution, scheme }, value(traffic)]
    }
  }
}
