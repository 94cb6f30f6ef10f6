import { createHash } from 'node:crypto'
import { systemClock, type Instant, type Milliseconds } from '../../core/index.ts'
import { createGuard } from '../../outbound/index.ts'
import { createLogger, createMetrics, type Metrics } from '../../telemetry/index.ts'
import { startPeerServer, type PeerServer } from '../peers/peer-server.ts'
import { prepareServing, type Serving } from '../serving.ts'
import type { SeenViewers, ToManager, ToWorker } from './messages.ts'
import { PushedIssuers } from './pushed-issuers.ts'
import { Neighbours } from './neighbours.ts'
import { Wire, type Answers } from './wire.ts'

/** A viewer waits for it. */
const FORGOTTEN_WITHIN: Milliseconds = 1_000

export interface WorkerChannel {
  send: (message: object) => void
  exit: (code: number) => void
}

interface Started {
  serving: Serving
  metrics: Metrics
  neighbours: Neighbours
  peers: PeerServer
}

/** One worker of an edge, from its fork to its exit: does what the manager asks, and owns its part of the keys. */
export class Worker {
  readonly #wire: Wire<ToManager, ToWorker>
  readonly #issuers: PushedIssuers
  #started: Started | undefined
  #viewersUntil: Instant = systemClock.now()

  constructor(channel: WorkerChannel) {
    this.#wire = new Wire<ToManager, ToWorker>(channel.send, this.#answers(channel))
    this.#issuers = new PushedIssuers(issuer => this.#wire.ask('renew', issuer))
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
      start: asked => this.#start(asked).then(() => done),
      apply: ({ snapshot, keys }) => {
        this.#issuers.take(keys)
        this.#running.serving.node.apply(snapshot)
        return done
      },
      keys: keys => {
        this.#issuers.take(keys)
        return done
      },
      listen: () => this.#running.serving.listen(),
      tickets: keys => {
        this.#running.serving.shareTickets(Buffer.from(keys, 'base64'))
        return done
      },
      metrics: () => this.#running.metrics.text(),
      viewers: () => this.#seen(),
      forget: changed => {
        this.#running.serving.node.forget(changed)
        this.#running.neighbours.letGo()
        return done
      },
      drain: () => this.#running.serving.drain().then(() => done),
      end: async () => {
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

  async #start({ options, index, tickets }: ToWorker['start']['asked']): Promise<void> {
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
      ...{ share: options.workers, index },
      siblings: neighbours,
    })
    serving.shareTickets(Buffer.from(tickets, 'base64'))
    neighbours.measure(metrics)
    const peers = await startPeerServer(neighbours.ownSocket, serving.node)
    this.#started = { serving, metrics, neighbours, peers }
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
