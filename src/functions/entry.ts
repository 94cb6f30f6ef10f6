import type { Program } from './contract.ts'
import type { Job } from './job.ts'
import type { Slot, SlottedProgram } from './protocol.ts'

/** A program that the runner knows, and the runs of it that wait. */
export interface Entry {
  slot: Slot
  program: Program
  slotted: SlottedProgram
  /** Of its code. */
  bytes: number
  waiting: Job[]
  /** Runs of it that threads have. */
  running: number
  /** Until then it runs aside, one run at a time: it has been slow lately. */
  asideUntil: number
  /** No longer known: it goes with its last run. */
  isGone: boolean
}

export function entryOf(slot: Slot, program: Program): Entry {
  const { id, runtime, code, store } = program
  const slotted = { slot, name: id, runtime, code, ...(store === undefined ? {} : { store }) }
  const bytes = Buffer.byteLength(code)
  return { slot, program, slotted, bytes, waiting: [], running: 0, asideUntil: 0, isGone: false }
}

/** Whether two programs would do the same; then what is warm of the one serves the other. */
export function isSame(a: Program, b: Program): boolean {
  return (
    a.id === b.id &&
    a.runtime === b.runtime &&
    a.code === b.code &&
    a.store === b.store &&
    (a.hosts ?? []).join() === (b.hosts ?? []).join()
  )
}
