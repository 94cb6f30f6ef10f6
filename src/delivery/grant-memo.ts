import { Lru, MiB } from '../core/index.ts'
import {
  authenticate,
  memoKey,
  type Authenticated,
  type Carrier,
  type TrustedKeys,
  type ViewerUrl,
} from '../signing/index.ts'

type Authentic = Authenticated & { kind: 'authentic' }

/** Remembered grants may take so much for each set of trusted keys, keys of the memo included. */
const MOST_BYTES = 16 * MiB

/**
 * Remembers which grants were signed by a trusted key, so that a viewer's hundred segments cost one verification
 * (SEAMS 6). What the policy allows is asked for every request. Forgeries are not kept, so they cannot push the good
 * ones out; a new set of trusted keys begins empty, so a removed key opens nothing any more.
 */
export class GrantMemo {
  readonly #byKeys = new WeakMap<TrustedKeys, Lru<string, Authentic>>()

  authenticate(carrier: Carrier, url: ViewerUrl, trusted: TrustedKeys): Authenticated {
    const name = memoKey(carrier, url)
    let memo = this.#byKeys.get(trusted)
    if (!memo) {
      memo = new Lru({ maxSize: MOST_BYTES, sizeCalculation: (_grant, key) => 2 * key.length + 1000 })
      this.#byKeys.set(trusted, memo)
    }
    const known = memo.get(name)
    if (known) return known
    const answer = authenticate(carrier, url, trusted)
    if (answer.kind === 'authentic') memo.set(name, answer)
    return answer
  }
}
