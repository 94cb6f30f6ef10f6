import type { Milliseconds } from '../../core/index.ts'
import type { Asked } from './generation-options.ts'
import { makesWay } from './refusals.ts'
import type { Transfer } from './transfer.ts'

/** A transfer, and what only its generation needs to know of it. */
export interface Running {
  asked: Asked
  /** Runs while the first reader is still to come. */
  timer: NodeJS.Timeout | undefined
  /** The slice that is still to be completed although nobody reads it any more. */
  until?: number | undefined
}

/** A transfer that brings nothing by now: the lower `since`, the longer so. */
export interface Resting {
  since: number
  end: () => void
}

/** The transfers of one version that are running, or hold what somebody still reads. */
export class Underway {
  readonly #running = new Map<Transfer, Running>()

  get count(): number {
    return this.#running.size
  }

  /** Slices in their hands. */
  get holds(): number {
    let count = 0
    for (const transfer of this.#running.keys()) count += transfer.holds
    return count
  }

  /** They may change while they are gone through. */
  all(): Iterable<[Transfer, Running]> {
    return this.#running
  }

  of(transfer: Transfer): Partial<Running> {
    return this.#running.get(transfer) ?? {}
  }

  /** `late` is asked each time that the first reader has not come for so long, and says whether he is still to come. */
  add(
    transfer: Transfer,
    asked: Asked,
    { patience, late }: { patience: Milliseconds; late: () => 'wait' | 'over' },
  ): void {
    const running: Running = { asked, timer: undefined }
    const wait = (): void => {
      running.timer = setTimeout(() => {
        if (late() === 'wait') wait()
      }, patience)
      running.timer.unref()
    }
    wait()
    this.#running.set(transfer, running)
  }

  /** Its first reader has come, or is not waited for any longer. False where that was known. */
  meet(transfer: Transfer): boolean {
    const running = this.#running.get(transfer)
    if (running?.timer === undefined) return false
    clearTimeout(running.timer)
    running.timer = undefined
    return true
  }

  drop(transfer: Transfer): void {
    clearTimeout(this.#running.get(transfer)?.timer)
    this.#running.delete(transfer)
  }

  /** The one that has rested for longest, and whose first reader is not waited for any more. */
  resting(): Resting | undefined {
    let longest: Resting | undefined
    for (const [transfer, { timer }] of this.#running) {
      const since = transfer.restsSince
      if (since === undefined || timer !== undefined || since >= (longest?.since ?? Infinity)) continue
      const end = (): void => {
        this.drop(transfer)
        transfer.fail({ error: makesWay(), again: 'worth-trying' })
      }
      longest = { since, end }
    }
    return longest
  }

  /** One that brings this slice, or has it still, and was asked for late enough to be used. */
  offering(index: number, isUsable: (asked: Asked) => boolean): Transfer | undefined {
    for (const [transfer, { asked }] of this.#running)
      if (transfer.offers(index) && isUsable(asked)) return transfer
    return undefined
  }

  /** The tier that answered may not have applied what we had. */
  answered(transfer: Transfer, sequence: number | undefined): void {
    const running = this.#running.get(transfer)
    if (running === undefined || sequence === undefined) return
    running.asked = { ...running.asked, sequence: Math.min(running.asked.sequence, sequence) }
  }
}
