import { setMaxListeners } from 'node:events'
import { codeOf, pause, type Milliseconds } from '../../core/index.ts'
import { fieldValue } from '../../http/index.ts'
import { ALIVE_PATH } from '../../membership/index.ts'
import { openConnections, type Connections, type ConnectionsOptions } from '../upstream/origin-connections.ts'

const EVERY: Milliseconds = 500
const PATIENCE: Milliseconds = 1_000
/** Silences in a row; a connection that is refused counts at once. */
const ENOUGH = 2

/**
 * Whether another node can be asked. It is looked at all the time, since a machine that is cut off says nothing, and whoever
 * waits for its answer would wait until that is late.
 */
export class Liveness {
  readonly #connections: Connections
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #looking: Promise<string | undefined> | undefined
  #silences = 0
  #state: 'well' | 'leaving' | 'away' = 'well'
  #away = awaited()

  constructor(to: Pick<ConnectionsOptions, 'url' | 'clock' | 'node'>) {
    this.#connections = openConnections({
      ...{ ...to, most: { prompt: 2 } },
      wire: { connect: PATIENCE, response: PATIENCE, keepAlive: 60_000 },
    })
    this.#running = this.#run()
  }

  /** `leaving`: what it has begun to answer it will end, and it is asked for nothing more. */
  get state(): 'well' | 'leaving' | 'away' {
    return this.#state
  }

  /** Aborts when it is away, for whoever waits for something of it. */
  get signal(): AbortSignal {
    return this.#away.signal
  }

  /** Now: the name of the process that answers; undefined when none does. */
  look(): Promise<string | undefined> {
    return (this.#looking ??= this.#look().finally(() => (this.#looking = undefined)))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#connections.destroy()
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.look()
      await pause(EVERY, this.#closing.signal)
    }
  }

  async #look(): Promise<string | undefined> {
    try {
      const answer = await this.#connections.get('prompt', ALIVE_PATH, [])
      answer.destroy()
      this.#silences = 0
      this.#state = answer.status === 204 ? 'well' : 'leaving'
      if (this.#away.signal.aborted) this.#away = awaited()
      return fieldValue(answer.headers, 'sluice-run')
    } catch (error) {
      this.#silences = codeOf(error) === 'ECONNREFUSED' ? ENOUGH : this.#silences + 1
      if (this.#silences < ENOUGH) return undefined
      this.#state = 'away'
      this.#away.abort(new Away())
      return undefined
    }
  }
}

/** As many may wait for its end as there are questions. */
function awaited(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

/** Counts as a connection that was lost: what was not answered is asked elsewhere. */
class Away extends Error {
  readonly code = 'ECONNRESET'

  constructor() {
    super('the node does not answer any more')
  }
}
