import type * as fs from 'node:fs'
import type { Bytes } from '../../core/index.ts'

/** One change of one file. */
export type Step =
  | {
      kind: 'write'
      file: string
      /** `new`: there must be none of that name. */
      opened: 'new' | 'there'
      /** Where in the file. */
      at: Bytes
      /** Which bytes of the order's room. */
      from: Bytes
      to: Bytes
      /** The name that it takes when it is written; none while more of it is to come. */
      becomes?: string
    }
  /** That there is none is as good. */
  | { kind: 'unlink'; file: string }

export interface Order {
  /** Steps as JSON: to copy them as objects from thread to thread costs several times as much. */
  steps: string
  /** Shared memory, not to be changed before the report has come. */
  room: Uint8Array
}

/** How many steps were done; the one behind them failed, if there is an error, and the rest was not tried. */
export interface Report {
  done: number
  error?: { code?: string | undefined; message: string } | undefined
}

/** The calls that an order needs; handed in by tests that make them fail. */
export type StepFiles = Pick<typeof fs, 'openSync' | 'writeSync' | 'closeSync' | 'renameSync' | 'unlinkSync'>

/**
 * Does the steps in order, up to the first that fails; of a file that failed nothing stays. It waits for the disk, so
 * it is for a thread of its own, to which it goes as text: nothing outside of it can be named in it.
 */
export function carryOut({ steps, room }: Order, files: StepFiles): Report {
  const codeOf = (error: unknown): string | undefined =>
    error instanceof Error && 'code' in error ? String(error.code) : undefined
  const unlink = (file: string): void => {
    try {
      files.unlinkSync(file)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error
    }
  }
  const write = (step: Step & { kind: 'write' }): void => {
    const fd = files.openSync(step.file, step.opened === 'new' ? 'wx' : 'r+', 0o600)
    try {
      for (let from = step.from; from < step.to;)
        from += files.writeSync(fd, room, from, step.to - from, step.at + from - step.from)
    } finally {
      files.closeSync(fd)
    }
    if (step.becomes !== undefined) files.renameSync(step.file, step.becomes)
  }
  const all = JSON.parse(steps) as Step[] // written by whoever gave the order
  for (const [done, step] of all.entries()) {
    try {
      if (step.kind === 'unlink') unlink(step.file)
      else write(step)
    } catch (error) {
      try {
        if (step.kind === 'write') unlink(step.file)
      } catch {
        // what is left is swept at the next start
      }
      return { done, error: { code: codeOf(error), message: error instanceof Error ? error.message : '' } }
    }
  }
  return { done: all.length }
}
