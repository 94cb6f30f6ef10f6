import cluster, { type Worker as Forked } from 'node:cluster'
import type { Milliseconds } from '../../core/index.ts'
import type { ToManager, ToWorker } from './messages.ts'
import { Wire, type Answers } from './wire.ts'

export interface Exit {
  code: number | null
  signal: string | null
}

/** One process of one worker, as the manager sees it, from its fork to its exit. Another takes its place. */
export class Member {
  readonly wire: Wire<ToWorker, ToManager>
  readonly exited: Promise<Exit>
  /** It can be asked; never resolves when it ends before that. */
  readonly loaded: Promise<void>
  readonly #forked: Forked
  #ending: Promise<void> | undefined

  constructor(answers: Omit<Answers<ToManager>, 'hello'>) {
    this.#forked = cluster.fork()
    let hello = (): null => null
    this.loaded = new Promise(resolve => (hello = () => (resolve(), null)))
    this.wire = new Wire<ToWorker, ToManager>(
      message => {
        if (this.#forked.isConnected()) this.#forked.send(message, () => {})
      },
      { ...answers, hello: () => hello() },
    )
    this.#forked.on('message', message => this.wire.receive(message))
    this.exited = new Promise(resolve => {
      const end = (exit: Exit): void => {
        this.wire.cut()
        resolve(exit)
      }
      this.#forked.once('exit', (code: number | null, signal: string | null) => end({ code, signal }))
      this.#forked.once('error', () => {
        // A process that could not be made has no exit.
        if (this.pid === undefined) end({ code: null, signal: null })
      })
    })
  }

  get pid(): number | undefined {
    return this.#forked.process.pid
  }

  /** Ends the process at once. */
  kill(): void {
    this.#forked.process.kill('SIGKILL')
  }

  /** Asks the process to end and kills it when the limit passes; resolves when it is gone. */
  end(limit: Milliseconds): Promise<void> {
    return (this.#ending ??= this.#end(limit))
  }

  async #end(limit: Milliseconds): Promise<void> {
    const timer = setTimeout(() => this.kill(), limit)
    // An answer that does not come is an exit.
    await this.wire.ask('end', null).catch(() => {})
    await this.exited
    clearTimeout(timer)
  }
}
