import { instant, type DistributionId, type Instant } from '../core/index.ts'

/** Paths that are told apart. Of what goes first, all that is as old in any path is forgotten with it. */
const MOST_PATHS = 10_000

const NEVER = instant(0)

/**
 * Paths whose stored answers were undone by a request that changed what they are of (RFC 9111 §4.4), each with the
 * instant: what was asked for up to then is not used any more, wherever it is kept.
 */
export class Forgotten {
  readonly #paths = new Map<DistributionId, Map<string, Instant>>()
  #size = 0
  #floor = NEVER

  add(distributionId: DistributionId, path: string, at: Instant): void {
    let mine = this.#paths.get(distributionId)
    if (mine === undefined) this.#paths.set(distributionId, (mine = new Map<string, Instant>()))
    const before = mine.get(path)
    if (before === undefined) this.#size++
    mine.delete(path)
    mine.set(path, instant(Math.max(at, before ?? 0)))
    if (this.#size > MOST_PATHS) this.#dropOldest()
  }

  /** What was asked for up to this instant is not used. */
  until(distributionId: DistributionId, path: string): Instant {
    if (this.#size === 0) return this.#floor
    const mine = this.#paths.get(distributionId)?.get(path)
    return mine === undefined || mine < this.#floor ? this.#floor : mine
  }

  #dropOldest(): void {
    for (const [distributionId, paths] of this.#paths) {
      for (const [path, at] of paths) {
        paths.delete(path)
        this.#size--
        this.#floor = instant(Math.max(this.#floor, at))
        if (paths.size === 0) this.#paths.delete(distributionId)
        return
      }
    }
  }
}
