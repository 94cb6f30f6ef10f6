import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { STATE, type ThreadData, type ToThread } from '../protocol.ts'
import { Ring } from '../ring.ts'
import type { FunctionThread } from './function-thread.ts'

/** A thread that sleeps goes through its event loop this often, in milliseconds: V8 and Node have work of their own there. */
const LONGEST_SLEEP = 500
/** And one that does not after so many times that it was woken. */
const MOST_TURNS = 256

/**
 * What a thread is told: runs through the ring, all else by messages, in the order in which it was said. While nothing of
 * its own is under way it sleeps without its event loop and is woken by the kernel, which is faster; `STATE.sleeps` says so,
 * and the runner writes to the ring only then. What waits for a timer, an answer or a new sandbox needs the loop.
 */
export class Inbox {
  readonly #state: Int32Array
  readonly #ring: Ring
  readonly #port: MessagePort
  readonly #thread: FunctionThread
  #isDue = false

  constructor({ state, ring }: ThreadData, port: MessagePort, thread: FunctionThread) {
    this.#state = state
    this.#ring = new Ring(state, ring)
    this.#port = port
    this.#thread = thread
  }

  open(): void {
    this.#port.on('message', (message: ToThread) => this.#hear(message))
    this.settled()
  }

  /** Nothing is under way any more, as far as the thread knows. */
  settled(): void {
    if (this.#isDue || !this.#thread.isIdle) return
    this.#isDue = true
    setImmediate(() => this.#sleep())
  }

  #sleep(): void {
    const state = this.#state
    Atomics.store(state, STATE.sleeps, 1)
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const before = Atomics.load(state, STATE.signals)
      this.#hearAll()
      if (!this.#thread.isIdle) break
      if (Atomics.wait(state, STATE.signals, before, LONGEST_SLEEP) === 'timed-out') break
    }
    Atomics.store(state, STATE.sleeps, 0)
    // Written before the runner could see that.
    this.#hearAll()
    this.#isDue = false
    this.settled()
  }

  #hearAll(): void {
    this.#takeRuns()
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#hear(next)
  }

  #next(): ToThread | undefined {
    return receiveMessageOnPort(this.#port)?.message as ToThread | undefined // what the runner sends
  }

  /** The runner writes nothing to the ring before its messages have been heard: what lies there was said before. */
  #hear(message: ToThread): void {
    this.#takeRuns()
    Atomics.add(this.#state, STATE.heard, 1)
    this.#thread.hear(message)
  }

  #takeRuns(): void {
    for (let run = this.#ring.take(); run !== undefined; run = this.#ring.take()) this.#thread.hear(run)
  }
}
