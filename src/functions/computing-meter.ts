/** Less than between any two looks at a thread: what differs by less is the same slice. */
const SAME = 0.5

/**
 * How much of the processor a thread can have had, at most, since something was first seen under way on it; in milliseconds.
 * Nobody tells what one thread of a process has had but itself, which may stand still; what all have had bounds it.
 */
export class ComputingMeter {
  #since = -Infinity
  #spentThen = 0

  /** `since` is when this slice was first seen, `spent` what the whole process has had until now. */
  read(since: number, spent: number): number {
    if (Math.abs(since - this.#since) > SAME) {
      this.#since = since
      this.#spentThen = spent
    }
    return spent - this.#spentThen
  }
}

/** Of the processor, by all threads of this process, in milliseconds. */
export function spentByProcess(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
