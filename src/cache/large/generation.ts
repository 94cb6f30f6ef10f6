import type { Bytes, SluiceError } from '../../core/index.ts'
import type { StoredObject, UpstreamAnswer } from '../contract.ts'
import type { Asker } from './large-filling.ts'
import { judgeSlice, mayBeShared } from './partial.ts'
import { wholeSlice, type Failure, type Slice } from './piece.ts'
import type { Asked, GenerationOptions } from './generation-options.ts'
import { readPast } from './past-slices.ts'
import { Places, type Reader } from './places.ts'
import {
  changedMeanwhile,
  fellBehind,
  forEachAlone,
  nobodyReads,
  refusedSlice,
  tooLarge,
} from './refusals.ts'
import { bytesOf } from './slices.ts'
import { Transfer, type TransferOwner } from './transfer.ts'
import { Underway, type Resting, type Running } from './underway.ts'

/** Slices that a transfer may be ahead of whoever reads it. */
export const MOST_AHEAD = 8
/** One request asks for so many slices that lie side by side, at most. */
const MOST_AT_ONCE = 16
/** Tries in a row that bring a reader nothing. */
const MOST_TRIES = 3
/** Readers of what cannot be asked for again may lie so many slices apart. */
const HELD_BEHIND = 4

/**
 * One version of a large object while it is read: its readers, and the transfers that bring what they lack. A slice
 * is asked for once, however many wait for it, and whoever reads takes it from store, or as it arrives.
 */
export class Generation implements TransferOwner {
  readonly size: Bytes
  readonly #options: GenerationOptions
  readonly #transfers = new Underway()
  readonly #readers = new Places()
  #length: Bytes | undefined
  #ended: SluiceError | undefined
  #isUnshared = false

  constructor(options: GenerationOptions) {
    this.#options = options
    this.size = options.size
    this.#length = options.length
  }

  /** The origin wants no more parts of it shared: who lacks something asks for himself. */
  get isUnshared(): boolean {
    return this.#isUnshared
  }

  length(): Bytes | undefined {
    return this.#length
  }

  get transfers(): number {
    return this.#transfers.count
  }

  /** Slices in the hands of transfers. */
  get holds(): number {
    return this.#transfers.holds
  }

  /** The transfer that has waited for its readers for longest, where these can ask for the rest of it anew. */
  resting(): Resting | undefined {
    const { validator, length } = this.#options
    return validator === undefined || length === undefined ? undefined : this.#transfers.resting()
  }

  /** Ends all readers and transfers: what they have is not what there is any more. */
  end(error: SluiceError): void {
    this.#ended = error
    for (const [transfer] of [...this.#transfers.all()]) transfer.fail({ error, again: 'in-vain' })
    this.#settle()
  }

  /**
   * Takes an answer whose body is the object from slice `first` to slice `last`, Infinity where that is not known. Its
   * first reader will want slice `goal`.
   */
  adopt(
    answer: Pick<UpstreamAnswer, 'body' | 'destroy'>,
    { first, last, goal = first }: { first: number; last: number; goal?: number },
    asked: Asked,
  ): Transfer {
    const transfer = this.#open(new Transfer(this, first, last, goal), asked)
    void transfer.run(answer.body, () => answer.destroy())
    return transfer
  }

  #open(transfer: Transfer, asked: Asked): Transfer {
    const { patience, isAwaited } = this.#options
    const late = (): 'wait' | 'over' => {
      if (isAwaited?.() === true) return 'wait'
      this.#met(transfer)
      return 'over'
    }
    this.#transfers.add(transfer, asked, { patience, late })
    return transfer
  }

  /** Its first reader has come, or is not waited for any longer. */
  #met(transfer: Transfer): void {
    if (this.#transfers.meet(transfer)) this.#settle()
  }

  get lastIndex(): number {
    return this.#length === undefined ? Infinity : Math.ceil(this.#length / this.size) - 1
  }

  #indexOf(byte: Bytes): number {
    return Math.min(Math.floor(byte / this.size), this.lastIndex)
  }

  /** Sees to it that the slice of the first byte is here or on its way; the question may go on to the last one's. */
  async reach(asker: Asker, first: Bytes, last: Bytes): Promise<'stored' | 'fetched'> {
    const index = this.#indexOf(first)
    if (this.#offering(index) === undefined && (await this.#load(index)) !== undefined) return 'stored'
    if (this.#isPastSlices(index)) return 'fetched'
    const transfer = this.#offering(index) ?? this.#fetch(index, this.#indexOf(last), asker)
    try {
      // Of one that has ended, the slice is whole.
      if (!transfer.isOver) await transfer.started
    } catch (error) {
      if (!this.#isUnshared) throw error
    }
    return 'fetched'
  }

  /** The bytes from `first` up to and including `last`, or to the end of the object. */
  async *read(asker: Asker, first: Bytes, last: Bytes): AsyncGenerator<Uint8Array> {
    const reader: Reader = { at: first, last, index: Math.floor(first / this.size), tries: 0 }
    this.#readers.enter(reader.index)
    try {
      while (reader.at <= Math.min(last, (this.#length ?? Infinity) - 1)) {
        this.#move(reader)
        const slice = await this.#slice(reader, asker)
        if (slice === 'crowded') {
          yield* this.#readPast(reader, asker)
          continue
        }
        for (let bytes = await this.#next(reader, slice); bytes; bytes = await this.#next(reader, slice)) {
          yield bytes
        }
      }
    } finally {
      this.#readers.leave(reader.index)
      this.#settle()
    }
  }

  #move(reader: Reader): void {
    const index = Math.floor(reader.at / this.size)
    if (index === reader.index) return
    this.#readers.leave(reader.index)
    this.#readers.enter(index)
    reader.index = index
    this.#settle()
  }

  #isPastSlices(index: number): boolean {
    if (this.#options.validator === undefined || this.#offering(index) !== undefined) return false
    return this.#isUnshared || this.#options.isCrowded()
  }

  /** Of one slice while nobody knows the length. */
  async *#readPast(reader: Reader, asker: Asker): AsyncGenerator<Uint8Array> {
    const last = Math.min(reader.last, (this.#length ?? (reader.index + 1) * this.size) - 1)
    const known = { validator: this.#options.validator ?? '', length: this.#length }
    const findings = {
      length: (length: Bytes) => (this.#length ??= length),
      changed: () => this.#options.changed(changedMeanwhile()),
    }
    for await (const bytes of readPast(asker.ask, { first: reader.at, last }, known, findings)) {
      if (this.#ended) throw this.#ended
      reader.at += bytes.length
      yield bytes
    }
  }

  async #slice({ index, last }: Reader, asker: Asker): Promise<Slice | 'crowded'> {
    if (this.#ended) throw this.#ended
    let transfer = this.#offering(index)
    if (transfer === undefined) {
      const loaded = await this.#load(index)
      if (loaded !== undefined) return wholeSlice(loaded.body)
      if (this.#isPastSlices(index)) return 'crowded'
      transfer = this.#offering(index) ?? this.#fetch(index, this.#indexOf(last), asker)
    }
    const piece = transfer.piece(index)
    this.#met(transfer)
    return piece
  }

  /** What comes next of a slice, as soon as it is here; undefined when the reader has all that this one gives him. */
  async #next(reader: Reader, slice: Slice): Promise<Uint8Array | undefined> {
    const start = reader.index * this.size
    const last = Math.min(reader.last - start, this.size - 1)
    for (;;) {
      if (this.#ended) throw this.#ended
      const bytes = slice.view(reader.at - start, last)
      if (bytes !== undefined) {
        reader.at += bytes.length
        reader.tries = 0
        return bytes
      }
      const hasAll = reader.at - start > last
      const { failure } = slice
      if (failure !== undefined) {
        if (hasAll || failure.again === 'in-vain' || ++reader.tries === MOST_TRIES) throw failure.error
        return undefined
      }
      // The last byte is not the end of it before the origin has said so too.
      if (slice.isComplete || (hasAll && !this.#isAtTheEnd(reader))) return undefined
      await slice.change()
    }
  }

  #isAtTheEnd({ at }: Reader): boolean {
    return at === this.#length || at % this.size === 0
  }

  #load(index: number): StoredObject | undefined | Promise<StoredObject | undefined> {
    return this.#options.validator === undefined ? undefined : this.#options.load(index)
  }

  #offering(index: number): Transfer | undefined {
    return this.#transfers.offering(index, this.#options.isUsable)
  }

  #fetch(index: number, upTo: number, asker: Asker): Transfer {
    if (this.#options.validator === undefined) throw fellBehind()
    const transfer = this.#open(new Transfer(this, index, index), this.#options.now())
    const { validator } = this.#options
    this.#question(transfer, upTo, asker, validator).catch((error: unknown) =>
      transfer.fail({ error, again: 'in-vain' }),
    )
    return transfer
  }

  async #question(transfer: Transfer, upTo: number, asker: Asker, validator: string): Promise<void> {
    await this.#extend(transfer, upTo)
    const range = bytesOf(transfer.first, transfer.last, this.size, this.#length)
    const answer = await asker.ask({
      ...{ validators: undefined, patience: 'full' },
      range: `bytes=${range.first}-${range.last}`,
      ifRange: validator,
    })
    if (transfer.isOver) return answer.destroy()
    this.#transfers.answered(transfer, answer.sequence)
    const verdict = judgeSlice(answer, range, { validator, length: this.#length })
    if ((verdict.kind === 'part' || verdict.kind === 'whole') && !mayBeShared(answer, asker.bounds)) {
      answer.destroy()
      this.#isUnshared = true
      this.#options.unshared()
      return transfer.fail({ error: forEachAlone(), again: 'worth-trying' })
    }
    switch (verdict.kind) {
      case 'part':
        this.#length ??= verdict.length
        transfer.extend(Math.min(transfer.last, this.lastIndex))
        return transfer.run(answer.body, () => answer.destroy())
      case 'whole':
        transfer.fromTheStart(this.lastIndex)
        return transfer.run(answer.body, () => answer.destroy())
      case 'changed':
        answer.destroy()
        return this.#options.changed(changedMeanwhile())
      case 'refused':
        answer.destroy()
        throw refusedSlice(answer.status)
      default:
        return verdict satisfies never
    }
  }

  /** Lets it bring the slices that follow as well, as far as they are nowhere else. */
  async #extend(transfer: Transfer, upTo: number): Promise<void> {
    const last = Math.min(upTo, transfer.first + MOST_AT_ONCE - 1)
    for (let index = transfer.first + 1; index <= last; index++) {
      if (this.#offering(index) !== undefined || (await this.#load(index)) !== undefined) return
      if (transfer.isOver || this.#offering(index) !== undefined) return
      transfer.extend(index)
    }
  }

  mayFill(transfer: Transfer, index: number): boolean {
    const { timer, until } = this.#transfers.of(transfer)
    if ((timer !== undefined && index <= transfer.goal) || index === until) return true
    const furthest = this.#furthest(transfer)
    return furthest !== undefined && index <= furthest + this.#options.ahead()
  }

  /** The reader that a transfer works for; one who lies further behind than it may run ahead asks for himself. */
  #furthest(transfer: Transfer): number | undefined {
    const from = Math.max(transfer.first, transfer.at - MOST_AHEAD - 2)
    return this.#readers.furthest(from, transfer.isOver ? transfer.last : transfer.horizon)
  }

  complete(transfer: Transfer, index: number, bytes: Buffer): void {
    const { asked, until } = this.#transfers.of(transfer)
    const { validator, isUsable, keep } = this.#options
    if (asked && validator !== undefined && bytes.length > 0 && isUsable(asked)) keep(index, bytes, asked)
    if (until !== undefined) this.#settle()
  }

  grown(total: Bytes, state: 'going-on' | 'ended'): void {
    const { limit } = this.#options
    if (total > limit) {
      const error = tooLarge(limit)
      this.#options.changed(error)
      throw error
    }
    if (state === 'going-on') return
    this.#length = total
    this.#options.ended(total)
  }

  over(transfer: Transfer, failure: Failure | undefined): void {
    if (failure) this.#transfers.drop(transfer)
    this.#settle()
  }

  /** Who takes less than a slice would otherwise leave nothing behind, and an origin with a cut connection each time. */
  #endsSoon(transfer: Transfer, running: Running): boolean {
    if (transfer.isOver || !transfer.isShort) return false
    running.until ??= transfer.at
    return transfer.at === running.until
  }

  /** After readers or transfers have moved: who may go on goes on, and what nobody reads ends. */
  #settle(): void {
    for (const [transfer, running] of this.#transfers.all()) {
      const furthest = this.#furthest(transfer)
      if (furthest !== undefined) {
        running.until = undefined
        transfer.nudge(this.#options.validator === undefined ? furthest - HELD_BEHIND : furthest)
        if (transfer.isOver && transfer.holds === 0) this.#transfers.drop(transfer)
      } else if (running.timer === undefined && !this.#endsSoon(transfer, running)) {
        this.#transfers.drop(transfer)
        transfer.fail({ error: nobodyReads(), again: 'worth-trying' })
      }
    }
    if (this.#transfers.count === 0 && this.#readers.isEmpty) this.#options.idle()
  }
}
