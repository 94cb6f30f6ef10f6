import { Worker } from 'node:worker_threads'
import { messageOf, SluiceError } from '../core/index.ts'
import { LIBRARY, messageMaker, type Recipient } from './messages.ts'

/** Encrypts single values. */
export interface FieldEncryptor {
  /**
   * The value as it stands in a form. Rejects with SluiceError `encryption-busy` when too many wait, `encryption-failed`
   * when it cannot be done.
   */
  encrypt(value: Uint8Array, to: Recipient): Promise<string>
  close(): Promise<void>
}

/** A value takes about a millisecond of a core, so who waits longest waits a fraction of a second. */
const MOST_WAITING = 256

/** The library and its keys; a value and its message are a few times 16 KiB. */
const LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 }

type Report = { id: number; message: string } | { id: number; failure: string }

/** As text: tests run from sources that Node cannot load, and the library is found from here. */
const CODE = `'use strict'
const { parentPort, workerData } = require('node:worker_threads')
const make = (${messageMaker.toString()})(require(workerData))
parentPort.on('message', ({ id, value, to }) =>
  make(value, to).then(
    message => parentPort.postMessage({ id, message }),
    error => parentPort.postMessage({ id, failure: String(error && error.message) }),
  ),
)
`

interface Waiting {
  resolve: (message: string) => void
  reject: (error: unknown) => void
}

/**
 * Encrypts in a thread, which begins with the first value: a form of ten fields would else keep all viewers waiting for ten
 * milliseconds.
 */
export class EncryptorThread implements FieldEncryptor {
  readonly #most: number
  readonly #waiting = new Map<number, Waiting>()
  #thread: Worker | undefined
  #ids = 0
  #closed = false

  constructor({ most = MOST_WAITING }: { most?: number } = {}) {
    this.#most = most
  }

  encrypt(value: Uint8Array, to: Recipient): Promise<string> {
    if (this.#closed) return Promise.reject(failed('this edge is closing'))
    if (this.#waiting.size >= this.#most)
      return Promise.reject(
        new SluiceError('encryption-busy', 'too many fields wait to be encrypted: try again', {
          kind: 'unavailable',
        }),
      )
    return new Promise((resolve, reject) => {
      const id = this.#ids++
      this.#waiting.set(id, { resolve, reject })
      try {
        this.#thread ??= this.#begin()
        const { provider, keyName, pem } = to
        this.#thread.postMessage({ id, value, to: { provider, keyName, pem } })
      } catch (error) {
        this.#end(messageOf(error))
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#thread?.terminate()
    this.#end('this edge is closing')
  }

  #begin(): Worker {
    const options = { eval: true, execArgv: [], env: {}, resourceLimits: LIMITS, workerData: LIBRARY }
    const thread = new Worker(CODE, options)
    thread.unref()
    // What ends with an error says so, and then that it has ended; by then another may have taken its place.
    const ended = (why: string): void => {
      if (this.#thread === thread) this.#end(why)
    }
    thread.on('message', (report: Report) => this.#take(report))
    thread.on('error', error => ended(messageOf(error)))
    thread.on('exit', () => ended('the thread that encrypts has ended'))
    return thread
  }

  #take(report: Report): void {
    const waiting = this.#waiting.get(report.id)
    this.#waiting.delete(report.id)
    if ('message' in report) waiting?.resolve(report.message)
    else waiting?.reject(failed(report.failure))
  }

  /** Everything that waits has failed; the next value begins another thread. */
  #end(why: string): void {
    this.#thread = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(failed(why))
  }
}

function failed(why: string): SluiceError {
  return new SluiceError('encryption-failed', `a field cannot be encrypted: ${why}`)
}
