import type { DistributionId } from '../core/index.ts'
import type { FieldStatus } from '../fields/index.ts'
import { byWord, type Metrics, type Sample } from '../telemetry/index.ts'
import { Counts, NOBODY, type CountsInto } from './counts.ts'
import type { CacheWord, Exchange } from './exchange.ts'
import { TRAFFIC_METRICS as M } from './metric-names.ts'
import type { Viewer } from './viewer.ts'

/** Traffic of one distribution since the process began. */
export interface Traffic {
  requests: number
  bytes: number
}

/** Counts requests and bytes by distribution, scheme, cache result and reason; the hot path only adds to plain numbers. */
export class Usage {
  readonly #traffic = new Map<string, Record<Viewer['scheme'], Traffic>>()
  readonly #results: Record<CacheWord, number> = { Hit: 0, RefreshHit: 0, Miss: 0, Error: 0 }
  readonly #refusals = new Map<string, number>()
  /** Requests whose forms may have fields that are encrypted, by what became of them, and such fields. */
  readonly #forms = new Map<FieldStatus, number>()
  #fields = 0
  /** Of all together. */
  readonly totals = { requests: 0, bytes: 0, hits: 0, misses: 0 }

  /** What is to be paid for. */
  readonly counts: Counts

  constructor(metrics: Metrics, ledger?: CountsInto) {
    this.counts = new Counts(ledger)
    metrics.collected(M.requests, () => this.#read(t => t.requests))
    metrics.collected(M.bytes, () => this.#read(t => t.bytes))
    metrics.collected(M.results, () => byWord('result', this.#results).filter(([, n]) => n > 0))
    metrics.collected(M.refusals, () => [...this.#refusals].map(([reason, n]) => [{ reason }, n]))
    metrics.collected(M.forms, () => [...this.#forms].map(([status, n]) => [{ status }, n]))
    metrics.collected(M.fields, () => [[{}, this.#fields]])
  }

  add(x: Exchange): void {
    const id = x.served?.distribution.id ?? NOBODY
    let schemes = this.#traffic.get(id)
    if (!schemes) {
      schemes = { http: { requests: 0, bytes: 0 }, https: { requests: 0, bytes: 0 } }
      this.#traffic.set(id, schemes)
    }
    const traffic = schemes[x.viewer?.scheme ?? 'http']
    traffic.requests++
    traffic.bytes += x.bodyBytes
    this.#results[x.cache]++
    const { totals } = this
    totals.requests++
    totals.bytes += x.bodyBytes
    // What never came to a key was never looked for.
    if (x.key !== undefined && x.cache !== 'Error') totals[x.cache === 'Miss' ? 'misses' : 'hits']++
    if (x.form !== undefined) this.#addForm(x.form)
    if (x.reason) this.#refusals.set(x.reason, (this.#refusals.get(x.reason) ?? 0) + 1)
  }

  #addForm({ status, fields }: NonNullable<Exchange['form']>): void {
    this.#forms.set(status, (this.#forms.get(status) ?? 0) + 1)
    this.#fields += fields
  }

  of(distribution: DistributionId): Traffic {
    const { http, https } = this.#traffic.get(distribution) ?? {}
    return {
      requests: (http?.requests ?? 0) + (https?.requests ?? 0),
      bytes: (http?.bytes ?? 0) + (https?.bytes ?? 0),
    }
  }

  *#read(value: (traffic: Traffic) => number): Generator<[Sample<(typeof M.requests)['labels']>, number]> {
    for (const [distribution, schemes] of this.#traffic)
      for (const scheme of SCHEMES)
        if (schemes[scheme].requests > 0) yield [{ distribution, scheme }, value(schemes[scheme])]
  }
}

const SCHEMES = ['http', 'https'] as const
