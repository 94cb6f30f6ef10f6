import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { messageOf, pause, type Milliseconds } from '../../core/index.ts'
import { BackOff } from '../../membership/index.ts'
import type { Rows, Session, Wire, WireListener } from './engine.ts'

/** Of the database; others on the same server have channels of their own. */
const CHANNEL = 'sluice'
const FAREWELL: Milliseconds = 2_000

/** Says goodbye to the server; one that is cut off would be waited for until TCP gives up. */
export async function endOf(connection: { end(): Promise<void> }): Promise<void> {
  const over = new AbortController()
  const ended = connection.end().catch(() => {}) // it is over either way
  await Promise.race([ended, pause(FAREWELL, over.signal)])
  over.abort()
}

/** LISTEN and NOTIFY on a connection of its own. */
export class PostgresWire implements Wire {
  /** In front of each text, so that nobody hears himself. */
  readonly #self = randomUUID()
  readonly #connect: () => Promise<Client>
  readonly #tell: (text: string) => Promise<void>
  readonly #pulse: Milliseconds
  readonly #closing = new AbortController()
  #following: Promise<void> | undefined

  constructor(connect: () => Promise<Client>, tell: (text: string) => Promise<void>, pulse: Milliseconds) {
    this.#connect = connect
    this.#tell = tell
    this.#pulse = pulse
  }

  statement(text: string): [text: string, values: unknown[]] {
    return ['select pg_notify($1, $2)', [CHANNEL, `${this.#self} ${text}`]]
  }

  async sayWith(session: Session, text: string): Promise<void> {
    await session.executeSql(...this.statement(text))
  }

  say(text: string): Promise<void> {
    return this.#tell(text)
  }

  async listen(listener: WireListener): Promise<void> {
    const first = await this.#open(listener)
    this.#following = this.#follow(first, listener)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#following
  }

  async #follow(first: Client, listener: WireListener): Promise<void> {
    const { signal } = this.#closing
    let client: Client | undefined = first
    while (!signal.aborted) {
      if (client) {
        const error = await this.#untilLost(client, listener)
        await endOf(client)
        if (!signal.aborted) listener.lost(error)
      }
      client = await this.#again(listener)
    }
    if (client) await endOf(client)
  }

  /** Undefined when it was told to close. */
  async #again(listener: WireListener): Promise<Client | undefined> {
    const { signal } = this.#closing
    const backOff = new BackOff()
    while (!signal.aborted) {
      try {
        const client = await this.#open(listener)
        listener.missed()
        return client
      } catch {
        await backOff.pause(signal)
      }
    }
    return undefined
  }

  async #open(listener: WireListener): Promise<Client> {
    const client = await this.#connect()
    client.on('notification', ({ payload = '' }) => {
      if (!payload.startsWith(this.#self)) listener.heard(payload.slice(payload.indexOf(' ') + 1))
    })
    try {
      await client.query(`listen ${CHANNEL}`)
      return client
    } catch (error) {
      await endOf(client)
      throw error
    }
  }

  /** Resolves when the connection is of no use any more, or when it is to be closed. */
  async #untilLost(client: Client, listener: WireListener): Promise<Error> {
    const { signal } = this.#closing
    const stop = new AbortController()
    const lost = new Promise<Error>(resolve => {
      client.once('error', resolve)
      client.once('end', () => resolve(new Error('the server closed the connection')))
      signal.addEventListener('abort', () => resolve(new Error('closing')), {
        once: true,
        signal: stop.signal,
      })
      if (signal.aborted) resolve(new Error('closing'))
      void this.#beat(client, listener, stop.signal).catch((error: unknown) =>
        resolve(new Error(messageOf(error))),
      )
    })
    return lost.finally(() => stop.abort())
  }

  async #beat(client: Client, listener: WireListener, signal: AbortSignal): Promise<void> {
    const execute = async (text: string, values?: unknown[]): Promise<Rows> => client.query(text, values)
    for (;;) {
      await pause(this.#pulse, signal)
      if (signal.aborted) return
      await listener.pulse(execute)
    }
  }
}
