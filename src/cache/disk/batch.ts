import type { Bytes } from '../../core/index.ts'
import type { Order, Step } from './order.ts'
import type { ShardIndex } from './shard-index.ts'

/** Whose files a step changes, and what is to be noted when it is done, or never will be. */
export interface Noted {
  index: ShardIndex
  done?: () => void
  undone?: () => void
}

/** Where bytes go. */
export type Writing = Omit<Step & { kind: 'write' }, 'kind' | 'from' | 'to'>

/** Steps that go to the disk together, with the bytes that they write. */
export class Batch {
  readonly indexes = new Set<ShardIndex>()
  readonly #steps: Step[] = []
  readonly #noted: Noted[] = []
  readonly #parts: Uint8Array[] = []
  #bytes: Bytes = 0
  #done = 0

  /** Of all that is written. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** How many steps there are. */
  get size(): number {
    return this.#steps.length
  }

  /** How many of them were done. */
  get done(): number {
    return this.#done
  }

  write(parts: readonly Uint8Array[], writing: Writing, noted: Noted): void {
    const from = this.#bytes
    for (const part of parts) {
      this.#parts.push(part)
      this.#bytes += part.length
    }
    this.#add({ kind: 'write', ...writing, from, to: this.#bytes }, noted)
  }

  unlink(file: string, noted: Noted): void {
    this.#add({ kind: 'unlink', file }, noted)
  }

  #add(step: Step, noted: Noted): void {
    this.#steps.push(step)
    this.#noted.push(noted)
    this.indexes.add(noted.index)
  }

  /** Of the steps that are not done yet; `room` has place for all bytes. */
  order(room: Uint8Array): Order {
    let at = 0
    for (const part of this.#parts) {
      room.set(part, at)
      at += part.length
    }
    return { steps: JSON.stringify(this.#steps.slice(this.#done)), room }
  }

  /** So many more were done. */
  advance(count: number): void {
    for (const { done } of this.#noted.slice(this.#done, this.#done + count)) done?.()
    this.#done += count
  }

  /** The others never will be. */
  end(): void {
    for (const { undone } of this.#noted.slice(this.#done)) undone?.()
  }
}
