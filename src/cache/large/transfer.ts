import { SluiceError, type Bytes } from '../../core/index.ts'
import { Piece, type Failure } from './piece.ts'

/** What a transfer needs of the object that it brings slices of. */
export interface TransferOwner {
  /** Of each slice but the last. */
  size: Bytes
  /** Of the whole object, once it is known. */
  length(): Bytes | undefined
  /** Whether it may fill this slice by now; `nudge` tells that the answer may be another. */
  mayFill(transfer: Transfer, index: number): boolean
  /** A slice is whole. */
  complete(transfer: Transfer, index: number, bytes: Buffer): void
  /** The body has ended there, before which nobody knew the length. Throws when the object may not be so long. */
  grown(total: Bytes, state: 'going-on' | 'ended'): void
  /** Nothing more comes. */
  over(transfer: Transfer, failure: Failure | undefined): void
}

/** Counts rests, so that the longest is known. */
let rests = 0

/** Slices behind the one that is being filled that somebody may wait for: soon enough to need no request of his own. */
const SOON = 2
/** A transfer of at most so many slices is waited for up to its end. */
const SHORT = 16

/**
 * One answer of the origin, cut into slices as it arrives. It runs ahead of its fastest reader by a bounded number of
 * slices, holds those until he has passed, and then leaves its body unread, so that the origin waits.
 */
export class Transfer {
  readonly #owner: TransferOwner
  readonly #pieces = new Map<number, Piece>()
  /** The slice that whoever began it waits for. */
  readonly goal: number
  #first: number
  #last: number
  #at: number
  /** The offset up to which bytes have come. */
  #arrived: Bytes
  #state: 'asking' | 'running' | 'over' = 'asking'
  #destroy: (() => void) | undefined
  #go: (() => void) | undefined
  /** Which of all rests this one is, while it waits for its readers to come nearer. */
  #rest: number | undefined
  #started: { resolve(): void; reject(error: unknown): void } | undefined
  /** Resolves when an answer has come that fits, rejects when none does. */
  readonly started: Promise<void>
  /** Resolves when nothing more comes; whether that was all of it, the pieces tell. */
  readonly done: Promise<void>
  #finished: (() => void) | undefined

  /** Of slices `first` to `last`, Infinity where nobody knows which is the last. */
  constructor(owner: TransferOwner, first: number, last: number, goal = first) {
    this.#owner = owner
    this.goal = goal
    this.#arrived = first * owner.size
    this.#first = this.#at = first
    this.#last = last
    this.started = new Promise((resolve, reject) => (this.#started = { resolve, reject }))
    this.started.catch(() => {}) // who waits for a piece hears it there
    this.done = new Promise(resolve => (this.#finished = resolve))
  }

  get first(): number {
    return this.#first
  }

  /** The slice that is being filled. */
  get at(): number {
    return this.#at
  }

  get last(): number {
    return this.#last
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  get holds(): number {
    return this.#pieces.size
  }

  /** Nothing comes, for its readers are slow or it has ended; the lower, the longer so. Undefined while something comes. */
  get restsSince(): number | undefined {
    return this.#state === 'over' ? -1 : this.#rest
  }

  /** It ends soon by itself. */
  get isShort(): boolean {
    return this.#last - this.#first < SHORT
  }

  /** The furthest slice that is waited for here: nobody else asks for it. */
  get horizon(): number {
    if (this.isShort) return this.#last
    return Math.min(this.#last, Math.max(this.#at + SOON, this.goal))
  }

  offers(index: number): boolean {
    if (this.#pieces.has(index)) return true
    return this.#state !== 'over' && index >= this.#at && index <= this.horizon
  }

  /** One that it offers. */
  piece(index: number): Piece {
    let piece = this.#pieces.get(index)
    if (piece === undefined) this.#pieces.set(index, (piece = new Piece(this.#sizeOf(index))))
    return piece
  }

  #sizeOf(index: number): Bytes {
    const { size } = this.#owner
    return Math.min(size, (this.#owner.length() ?? Infinity) - index * size)
  }

  /** Before it runs: how far the question goes. */
  extend(last: number): void {
    this.#last = last
  }

  /** Before it runs: the answer begins with the object, wherever it was asked to begin. */
  fromTheStart(last: number): void {
    this.#first = this.#at = this.#arrived = 0
    this.#last = last
  }

  /** Takes the answer's body; `destroy` ends it early. Never rejects: failures are told through `over` and the pieces. */
  async run(body: AsyncIterable<Uint8Array>, destroy: () => void): Promise<void> {
    if (this.#state === 'over') return destroy()
    this.#state = 'running'
    this.#destroy = destroy
    this.#started?.resolve()
    try {
      for await (const chunk of body) {
        await this.#take(chunk)
        if (this.isOver) return
      }
      this.#end()
    } catch (error) {
      this.fail({ error, again: 'worth-trying' })
    }
  }

  async #take(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0;) {
      if (this.#at > this.#last)
        throw new SluiceError('upstream-long', 'the origin sent more than it announced', OURS)
      while (!this.isOver && !this.#owner.mayFill(this, this.#at)) {
        this.#rest ??= rests++
        await new Promise<void>(go => (this.#go = go))
      }
      this.#rest = undefined
      if (this.isOver) return
      const piece = this.piece(this.#at)
      if (piece.isFull) throw new SluiceError('upstream-long', 'the origin sent more than it announced', OURS)
      const taken = piece.append(rest)
      rest = rest.subarray(taken)
      this.#arrived += taken
      if (this.#last === Infinity) this.#owner.grown(this.#arrived, 'going-on')
      // Of what is to be the last slice, nobody knows that it is before the body has ended.
      if (piece.isFull && this.#at < this.#last) this.#complete(piece)
    }
  }

  #end(): void {
    if (this.#last === Infinity) {
      this.#owner.grown(this.#arrived, 'ended')
      this.#last = this.#at
      const piece = this.#pieces.get(this.#at)
      if (piece !== undefined) this.#complete(piece)
    } else if (this.#at === this.#last && this.piece(this.#at).isFull) {
      this.#complete(this.piece(this.#at))
    } else {
      throw new SluiceError('upstream-short', 'the origin sent less than it announced', OURS)
    }
    this.#finish(undefined)
  }

  #complete(piece: Piece): void {
    const index = this.#at++
    this.#owner.complete(this, index, piece.complete())
  }

  /** Ends it; what is whole stays. */
  fail(failure: Failure): void {
    if (this.#state === 'over') return
    this.#finish(failure)
    this.#destroy?.()
  }

  #finish(failure: Failure | undefined): void {
    this.#state = 'over'
    for (const [index, piece] of this.#pieces) {
      if (piece.isComplete) continue
      this.#pieces.delete(index)
      piece.fail(failure ?? { error: new Error('the object ended before this slice'), again: 'worth-trying' })
    }
    if (failure) this.#started?.reject(failure.error)
    this.#go?.()
    this.#owner.over(this, failure)
    this.#finished?.()
  }

  /** Its readers have moved; `needed` is the first slice that is still worth holding. */
  nudge(needed: number): void {
    for (const [index, piece] of this.#pieces)
      if (index < needed && piece.isComplete) this.#pieces.delete(index)
    const go = this.#go
    this.#go = undefined
    go?.()
  }
}

const OURS = { side: 'upstream' } as const
