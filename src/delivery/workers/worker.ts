import { createHash } from 'node:crypto'
import { systemClock, type Instant, type Milliseconds } from '../../core/index.ts'
import { createGuard } from '../../outbound/index.ts'
import { createLogger, createMetrics, type Metrics } from '../../telemetry/index.ts'
import { storedMaterials } from '../../membership/index.ts'
import { bookOf } from '../node-ledger.ts'
import { startPeerServer, type PeerServer } from '../peers/peer-server.ts'
import { prepareServing, type Serving } from '../serving.ts'
import type { Numbered, SeenViewers, ToManager, ToWorker } from './messages.ts'
import { PushedIssuers } from './pushed-issuers.ts'
import { Neighbours } from './neighbours.ts'
import { MOST_CHANGES } from './recent-changes.ts'
import { Wire, type Answers } from './wire.ts'

/** A viewer waits for it. */
const FORGOTTEN_WITHIN: Milliseconds = 1_000

export interface WorkerChannel {
  send: (message: object) => void
  exit: (code: number) => void
}

interface Started {
  serving: Serving
  book: string
  stateDir: string
  metrics: Metrics
  neighbours: Neighbours
  peers: PeerServer
}

/** One worker of an edge, from its fork to its exit: does what the manager asks, and owns its part of the keys. */
export class Worker {
  readonly #wire: Wire<ToManager, ToWorker>
  readonly #issuers: PushedIssuers
  #started: Started | undefined
  #starting: Promise<void> | undefined
  #listening: Promise<unknown> | undefined
  /** Changes that came while there was nothing yet to forget them. */
  #changes: Numbered[] = []
  #forget: (numbered: Numbered) => void
  #viewersUntil: Instant = systemClock.now()
  #applying: Promise<void> = Promise.resolve()

  constructor(channel: WorkerChannel) {
    this.#wire = new Wire<ToManager, ToWorker>(channel.send, this.#answers(channel))
    this.#issuers = new PushedIssuers(issuer => this.#wire.ask('renew', issuer))
    this.#forget = numbered => {
      // The manager remembers no more than that; the next process begins with an empty disk.
      if (this.#changes.push(numbered) > MOST_CHANGES) channel.exit(1)
    }
  }

  /** The manager may ask from now on. */
  async hello(): Promise<void> {
    await this.#wire.ask('hello', null)
  }

  receive(message: unknown): void {
    this.#wire.receive(message)
  }

  #answers(channel: WorkerChannel): Answers<ToWorker> {
    const done = null
    return {
      start: asked => (this.#starting = this.#start(asked)).then(() => done),
      apply: async ({ snapshot, keys }) => {
        this.#issuers.take(keys)
        const { serving, stateDir } = this.#running
        // One after the other, as they came.
        const applied = this.#applying.then(async () => {
          // The manager has fetched them; through its channel they would pass as text, once for each worker.
          await serving.node.follow(snapshot, await storedMaterials(stateDir, snapshot))
        })
        this.#applying = applied.catch(() => {}) // who asked is told
        await applied
        return done
      },
      keys: keys => {
        this.#issuers.take(keys)
        return done
      },
      listen: () => {
        const listening = this.#running.serving.listen()
        this.#listening = listening.catch(() => {}) // who asked is told
        return listening
      },
      tickets: keys => {
        this.#running.serving.shareTickets(Buffer.from(keys, 'base64'))
        return done
      },
      metrics: () => this.#running.metrics.text(),
      traffic: () => {
        const { serving } = this.#running
        return { ...serving.node.usage.totals, busy: serving.connections() }
      },
      viewers: () => this.#seen(),
      measured: () => {
        const { latencies } = this.#running.serving
        const news = latencies.news()
        latencies.told(news)
        return news
      },
      forget: numbered => {
        this.#forget(numbered)
        return done
      },
      anew: async ({ book, why }) => {
        const { serving, book: own } = this.#running
        if (book === own) await serving.ledger.beginAnew(why)
        return done
      },
      drain: async () => {
        await this.#listening
        await this.#running.serving.drain()
        return done
      },
      end: async () => {
        await this.#starting
        await this.#end()
        // The answer goes out first.
        setImmediate(() => channel.exit(0))
        return done
      },
    }
  }

  get #running(): Started {
    if (this.#started === undefined) throw new Error('the worker was not started')
    return this.#started
  }

  async #start({ options, index, tickets, missed }: ToWorker['start']['asked']): Promise<void> {
    const log = createLogger('edge', options.logLevel)
    const metrics = createMetrics('edge')
    const guard = createGuard({ allow: options.allowOrigins, ownPorts: options.ownPorts })
    const neighbours = new Neighbours({
      ...{ workers: options.workers, workersFolder: options.workersFolder, index },
      clock: systemClock,
      forget: changed => this.#wire.ask('forget', changed, FORGOTTEN_WITHIN),
    })
    const serving = await prepareServing(options, {
      ...{ metrics, guard, log, issuers: this.#issuers },
      ...{ share: options.workers, index, book: bookOf(index) },
      disk: missed.kind === 'too-many' ? 'emptied' : 'kept',
      siblings: neighbours,
    })
    serving.shareTickets(Buffer.from(tickets, 'base64'))
    neighbours.measure(metrics)
    if (missed.kind === 'changes') for (const changed of missed.changes) void serving.node.forget(changed)
    neighbours.heard(missed.number)
    this.#forget = ({ changed, number }) => {
      void serving.node.forget(changed)
      neighbours.heard(number)
    }
    for (const numbered of this.#changes) this.#forget(numbered)
    this.#changes = []
    const peers = await startPeerServer(neighbours.ownSocket, serving.node)
    this.#started = { serving, book: bookOf(index), stateDir: options.stateDir, metrics, neighbours, peers }
  }

  /** Named by a digest, since only whether two are the same matters elsewhere. */
  #seen(): SeenViewers {
    const since = this.#viewersUntil
    this.#viewersUntil = systemClock.now()
    return this.#running.serving.node.viewers
      .seenSince(since)
      .map(([channel, viewers]) => [channel, viewers.map(nameOf)])
  }

  async #end(): Promise<void> {
    const { serving, neighbours, peers } = this.#running
    await peers.close()
    await neighbours.close()
    await serving.close()
  }
}

function nameOf(viewer: string): string {
  return createHash('sha256').update(viewer).digest('base64url').slice(0, 16)
}
