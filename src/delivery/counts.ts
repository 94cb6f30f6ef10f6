import type { Bytes, DistributionId } from '../core/index.ts'
import type { UsageLedger } from '../telemetry/index.ts'
import type { UsageType } from '../usage/index.ts'
import type { Exchange } from './exchange.ts'

/** What of a ledger those need who count. */
export type CountsInto = Pick<UsageLedger, 'add' | 'commit'>

export const NO_LEDGER: CountsInto = { add: () => {}, commit: () => {} }

/** Of requests that meet no distribution. */
export const NOBODY = 'none'

/** One question to an origin. */
export interface OriginCount {
  /** It goes out now, on a connection that is there. */
  asked(): void
  answered(bytes: Bytes): void
  /** Bytes of a viewer's body went to it. */
  submitted(bytes: Bytes): void
}

/**
 * What is to be paid for, counted before it happens: a request when its answer begins, bytes before they are handed to the
 * connection, a question to an origin before it goes out.
 */
export class Counts {
  readonly #ledger: CountsInto

  constructor(ledger: CountsInto = NO_LEDGER) {
    this.#ledger = ledger
  }

  /** All that was counted outlives this process when it returns. */
  commit(): void {
    this.#ledger.commit()
  }

  /** Its answer begins, or there will be none; counts once. */
  begun(x: Exchange): void {
    if (x.counted !== undefined) return
    x.counted = 0
    const id = x.served?.distribution.id
    if (x.replies !== undefined) {
      // Between nodes, who is refused is of no distribution.
      if (x.replies.recorded === 'counted' && id !== undefined) this.#ledger.add(id, 'regional-requests', 1)
      return
    }
    const isTls = x.viewer?.scheme === 'https'
    const own = id ?? NOBODY
    if (!isProxied(x)) return this.#ledger.add(own, isTls ? 'requests-https' : 'requests-http', 1)
    this.#ledger.add(own, isTls ? 'requests-https-proxy' : 'requests-http-proxy', 1)
    if (isTls && (x.form?.fields ?? 0) > 0) this.#ledger.add(own, 'requests-https-proxy-encrypted', 1)
  }

  /** What `bodyBytes` has grown by goes out now. */
  sent(x: Exchange): void {
    const more = x.bodyBytes - (x.counted ?? 0)
    // What a function may still put something else in the place of has not gone anywhere.
    if (more <= 0 || ('asking' in x.response && x.response.asking)) return
    x.counted = x.bodyBytes
    const id = x.served?.distribution.id
    if (x.replies === undefined) return this.#ledger.add(id ?? NOBODY, bytesType(x), more)
    if (x.replies.recorded === 'counted' && id !== undefined) this.#ledger.add(id, 'regional-bytes', more)
  }

  ran(distribution: DistributionId | undefined, what: 'function' | 'handler'): void {
    this.#ledger.add(distribution ?? NOBODY, what === 'function' ? 'function-runs' : 'handler-runs', 1)
  }

  ofOrigin(distribution: string): OriginCount {
    const ledger = this.#ledger
    return {
      asked() {
        ledger.add(distribution, 'origin-requests', 1)
        // What follows may be seen by the origin though this process is gone.
        ledger.commit()
      },
      answered: bytes => ledger.add(distribution, 'origin-bytes', bytes),
      submitted: bytes => ledger.add(distribution, 'submitted-bytes', bytes),
    }
  }
}

function isProxied({ request: { method } }: Exchange): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

function bytesType(x: Exchange): UsageType {
  const isTls = x.viewer?.scheme === 'https'
  if (isProxied(x)) return isTls ? 'bytes-https-proxy' : 'bytes-http-proxy'
  if (x.lasting === 'static') return isTls ? 'bytes-https-static' : 'bytes-http-static'
  return isTls ? 'bytes-https-dynamic' : 'bytes-http-dynamic'
}
