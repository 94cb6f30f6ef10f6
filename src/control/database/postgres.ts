import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { Client, Pool, type ClientBase, type ClientConfig } from 'pg'
import { pause, SluiceError, type Milliseconds } from '../../core/index.ts'
import { ALONE_LOCK, type Engine, type Rows, type Session, type Sql, type Wire } from './engine.ts'
import { unreachable, wentAway } from './postgres-refusals.ts'
import { endOf, PostgresWire } from './postgres-wire.ts'

/** Control's statements take milliseconds. Who holds a lock longer than this is dead, and the server lets go for it. */
const LIMITS = {
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 10_000,
  /** Ours: a server that is cut off says nothing at all. */
  query_timeout: 12_000,
  connectionTimeoutMillis: 5_000,
  keepAlive: true,
  application_name: 'sluice control',
} as const

/** The connection that listens is asked something every two seconds, so a server that is cut off is noticed. */
const SILENT_FOR: Milliseconds = 5_000
const CONNECTIONS = 10
/** Of another process's start, which may be migrating. */
const ALONE_WITHIN: Milliseconds = 30_000
/** pg-boss needs it. */
const OLDEST_SERVER = 13

export interface PostgresOptions {
  /** How often the wire's listeners feel its pulse. */
  pulse: Milliseconds
  /** Hears of connections that are lost while nobody uses them. */
  onError(error: Error): void
}

/**
 * Opens a PostgreSQL server's database by its URL, a secret that no error tells. Throws `database-away` with a sentence
 * for the operator when it cannot be reached.
 */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Engine> {
  const { config, place } = connectionOf(url)
  const engine = new PostgresEngine(place, config, options)
  try {
    const { rows } = await engine.executeSql(`select current_setting('server_version_num')::int as version`)
    const version = Math.floor(Number(rows[0]?.['version']) / 10_000)
    if (version >= OLDEST_SERVER) return engine
    throw new SluiceError(
      'database-old',
      `the database ${place} is of PostgreSQL ${version}: Sluice needs ${OLDEST_SERVER} or newer`,
      { side: 'operator' },
    )
  } catch (error) {
    await engine.close()
    throw error
  }
}

function connectionOf(url: string): { config: ClientConfig; place: string } {
  const config = { ...LIMITS, connectionString: url }
  try {
    const { host, port, database } = new Client(config)
    return { config, place: `"${database ?? ''}" on ${host}:${port}` }
  } catch {
    // Its own message would tell the password.
    throw new SluiceError(
      'bad-database-url',
      'DATABASE_URL cannot be read: write postgres://USER:PASSWORD@HOST:5432/DATABASE, with %XX for characters that have a meaning in URLs',
      { side: 'operator', kind: 'usage' },
    )
  }
}

class PostgresEngine implements Engine {
  readonly place: string
  readonly wire: Wire
  readonly #config: ClientConfig
  readonly #pool: Pool
  readonly #wire: PostgresWire

  constructor(place: string, config: ClientConfig, options: PostgresOptions) {
    this.place = place
    this.#config = config
    this.#pool = new Pool({ ...config, max: CONNECTIONS })
    // Without these two the loss of a connection, used or not, would end the process.
    this.#pool.on('error', error => options.onError(unreachable(error, place)))
    this.#pool.on('connect', client => client.on('error', () => {}))
    this.#wire = new PostgresWire(
      () => this.#connectAlone({ query_timeout: SILENT_FOR }),
      text => this.#say(text),
      options.pulse,
    )
    this.wire = this.#wire
  }

  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#within('begin isolation level read committed read write', work)
  }

  view<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#within('begin isolation level repeatable read read only', work)
  }

  async executeSql(text: string, values?: unknown[]): Promise<Rows> {
    return this.#withClient(client => execute(client, text, values))
  }

  async migrate(folder: string): Promise<void> {
    const client = await this.#connectAlone({ statement_timeout: 0, query_timeout: 0 })
    try {
      await migrate(drizzle(client), { migrationsFolder: folder })
    } catch (error) {
      throw wentAway(error, 'open', this.place) ?? error
    } finally {
      await endOf(client)
    }
  }

  async alone<T>(work: () => Promise<T>): Promise<T> {
    const client = await this.#connectAlone({})
    try {
      const end = performance.now() + ALONE_WITHIN
      for (;;) {
        const { rows } = await execute(client, `select pg_try_advisory_lock(${ALONE_LOCK}) as taken`)
        if (rows[0]?.['taken'] === true) return await work()
        if (performance.now() > end) throw this.#occupied()
        await pause(50)
      }
    } catch (error) {
      throw wentAway(error, 'open', this.place) ?? error
    } finally {
      // The lock goes with the connection.
      await endOf(client)
    }
  }

  async close(): Promise<void> {
    await this.#wire.close()
    await endOf(this.#pool)
  }

  #occupied(): SluiceError {
    return new SluiceError(
      'database-busy',
      `another control has been starting on the database ${this.place} for ${ALONE_WITHIN / 1000} s: see whether it hangs, and start again`,
      { side: 'operator', kind: 'unavailable' },
    )
  }

  async #say(text: string): Promise<void> {
    await this.executeSql(...this.#wire.statement(text))
  }

  #within<T>(begin: string, work: (session: Session) => Promise<T>): Promise<T> {
    return this.#withClient(async client => {
      await client.query(begin).catch((error: unknown) => {
        // Whatever the reason: a server that has become a standby says that it cannot.
        throw wentAway(error, 'lost', this.place) ?? error
      })
      const sql = drizzle(client as Client) as unknown as Sql // drizzle asks of its client only `query`
      const result = await work({ sql, executeSql: (text, values) => execute(client, text, values) })
      await client.query('commit')
      return result
    })
  }

  async #withClient<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw unreachable(error, this.place)
    })
    let connection: 'open' | 'lost' = 'open'
    const onLoss = (): void => void (connection = 'lost')
    client.once('error', onLoss).once('end', onLoss)
    try {
      const result = await work(client)
      client.release()
      return result
    } catch (error) {
      const away = wentAway(error, connection, this.place)
      const clean = away === undefined && (await rolledBack(client))
      client.release(!clean)
      throw away ?? error
    } finally {
      client.off('error', onLoss).off('end', onLoss)
    }
  }

  async #connectAlone(limits: Partial<ClientConfig>): Promise<Client> {
    const client = new Client({ ...this.#config, ...limits })
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      await endOf(client)
      throw unreachable(error, this.place)
    }
  }
}

/** Also after a text that begins a transaction by itself. What cannot do it is not used again. */
async function rolledBack(client: ClientBase): Promise<boolean> {
  return client.query('rollback').then(
    () => true,
    () => false,
  )
}

async function execute(client: ClientBase, text: string, values?: unknown[]): Promise<Rows> {
  const result = (await client.query(text, values)) as Rows | Rows[] // an array where the text has several statements
  return Array.isArray(result) ? (result.at(-1) ?? { rows: [] }) : result
}
