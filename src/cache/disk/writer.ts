import { Worker } from 'node:worker_threads'
import { codeOf, messageOf } from '../../core/index.ts'
import { carryOut, type Order, type Report } from './order.ts'

/** Who does what changes object files. */
export interface Writer {
  /** One order after the other. Never rejects. */
  carryOut: (order: Order) => Promise<Report>
  /** Resolves when what was under way has ended. */
  close: () => Promise<void>
}

/** It has few objects of its own; what it writes is not in its heap. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 }

/** As text: tests run from sources that Node cannot load, and a thread knows nothing but Node. */
const CODE = `'use strict'
const carryOut = ${carryOut.toString()}
const files = require('node:fs')
const { parentPort } = require('node:worker_threads')
parentPort.on('message', order => parentPort.postMessage(carryOut(order, files)))
`

/**
 * A thread that changes files, one call after the other: four calls cost a fraction of four ways through libuv's pool
 * and the event loop, and a disk that stands still holds up nobody but this thread.
 */
export class WriterThread implements Writer {
  #thread: Worker | undefined
  /** Of the orders under way, in turn. */
  #reports: ((report: Report) => void)[] = []

  carryOut(order: Order): Promise<Report> {
    return new Promise(resolve => {
      this.#reports.push(resolve)
      try {
        this.#thread ??= this.#begin()
        this.#thread.postMessage(order)
      } catch (error) {
        this.#failed(error)
      }
    })
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  #begin(): Worker {
    const thread = new Worker(CODE, { eval: true, execArgv: [], env: {}, resourceLimits: LIMITS })
    thread.unref()
    // What ends with an error says so, and then that it has ended; by then another may have taken its place.
    const ended = (error: unknown): void => {
      if (this.#thread === thread) this.#failed(error)
    }
    thread.on('message', (report: Report) => this.#reports.shift()?.(report))
    thread.on('error', ended)
    thread.on('exit', () => ended(new Error('the thread that writes to the disk cache has ended')))
    return thread
  }

  /** How far it came is not known; the next order begins another thread. */
  #failed(error: unknown): void {
    this.#thread = undefined
    const failure = { done: 0, error: { code: codeOf(error), message: messageOf(error) } }
    for (const report of this.#reports.splice(0)) report(failure)
  }
}
