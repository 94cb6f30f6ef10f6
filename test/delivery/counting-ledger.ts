import { Socket } from 'node:net'
import { onTestFinished, vi } from 'vitest'
import type { CountsInto } from '../../src/delivery/counts.ts'

/** In place of a ledger on a disk: what was counted, and what of that would outlive the process. */
export class CountingLedger implements CountsInto {
  #counted: Record<string, number> = {}
  #kept: Record<string, number> = {}
  isKept = true

  add(distribution: string, type: string, amount: number): void {
    const name = distribution === 'none' ? `none ${type}` : type
    this.#counted[name] = (this.#counted[name] ?? 0) + amount
    this.isKept = false
  }

  commit(): void {
    this.#kept = { ...this.#counted }
    this.isKept = true
  }

  /** What was kept since this was asked last. */
  news(): Record<string, number> {
    const news = this.#kept
    this.#counted = {}
    this.#kept = {}
    return news
  }

  /** For each write to a socket of this port, whether all that was counted was kept by then. */
  watchWrites(port: () => number): boolean[] {
    const seen: boolean[] = []
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the socket that it was called on
    const write = Socket.prototype.write as (...given: unknown[]) => boolean
    const isKept = (): boolean => this.isKept
    const spy = vi.spyOn(Socket.prototype, 'write').mockImplementation(function (
      this: Socket,
      ...given: unknown[]
    ) {
      if (this.localPort === port()) seen.push(isKept())
      return write.apply(this, given)
    })
    onTestFinished(() => spy.mockRestore())
    return seen
  }
}
