import type { ChannelsRequest } from '../client/index.ts'
import {
  messageOf,
  systemClock,
  Turnstile,
  type Clock,
  type Milliseconds,
  type RunningRole,
} from '../core/index.ts'
import {
  createPeerVerifier,
  followSnapshot,
  keepLeases,
  keepRenewed,
  leaseJobs,
  nodeTokenSource,
  obtainMembership,
  reportHealth,
  startReporting,
  type Membership,
} from '../membership/index.ts'
import type { PeerNode } from '../distribution/index.ts'
import { createPackager } from '../packager/index.ts'
import { openStore } from '../storage/index.ts'
import { createLogger, createMetrics, type Logger } from '../telemetry/index.ts'
import { createCounters } from './counters.ts'
import { Library } from './library.ts'
import { createLive, startTicking } from './live/live.ts'
import { Movies } from './movies.ts'
import type { OriginOptions } from './options.ts'
import { Passing } from './passing.ts'
import { Pointers } from './pointers.ts'
import { startOriginServer } from './server.ts'
import { Worker } from './worker.ts'

const REPORT_EVERY: Milliseconds = 1_000
const SWEEP_EVERY: Milliseconds = 10 * 60_000
/** A segment of an ordinary film has 2 MiB; at this many at once even large ones fit a small machine. */
const SEGMENTS_AT_ONCE = { width: 12, queue: 2000, busy: 'too many segments are being made at once' }

/** An origin: serves what is published to other nodes, and does control's jobs. */
export async function startOrigin(options: OriginOptions): Promise<RunningRole> {
  const { controlUrl, identity, stateDir, workDir, url = null } = options
  const log = createLogger('origin', options.logLevel)
  const clock = systemClock
  const metrics = createMetrics('origin')
  const membership = await membershipOf(options, { log, clock })
  const place = { controlUrl, membership }
  const store = await openStore(options.storage)
  const pointers = new Pointers(store, clock)
  const movies = new Movies(store)
  const counters = createCounters(metrics, () => movies.memory)
  const packager = createPackager({
    store,
    workDir,
    log,
    ...(options.ffmpeg === undefined ? {} : { ffmpeg: options.ffmpeg }),
  })
  await packager.start()
  const library = new Library({ pointers, movies, turnstile: new Turnstile(SEGMENTS_AT_ONCE) })
  const live = createLive({ metrics, clock, log, self: identity.id, changed: () => reports.soon() })
  const reports = startReporting({
    ...{ ...place, identity, log, clock },
    path: '/v1/node/channels',
    everyMs: REPORT_EVERY,
    read: () => live.table.read(),
    taken: body => live.table.taken(body as ChannelsRequest), // it is what `read` gave
  })
  const snapshots = followSnapshot({
    ...{ ...place, identity, stateDir, log, clock },
    apply: ({ channels }) => live.table.apply(channels),
  })
  const peers = createPeerVerifier(() => snapshots.current(), 'origin', clock)
  const nodes = (): readonly PeerNode[] => snapshots.current()?.nodes ?? []
  const passing = new Passing({
    self: identity.id,
    nodes,
    membership,
    token: nodeTokenSource(identity, 'origin', clock),
  })
  const leases = keepLeases({
    ...{ ...place, identity, log, clock },
    isNeeded: () => nodes().filter(({ role }) => role === 'origin').length > 1,
    read: () => live.table.held(),
    lost: lost => live.table.lost(lost),
  })
  const server = await startOriginServer({
    ...{ passing, library, live, peers, counters, clock, log },
    listen: options.listen,
    credentials: membership?.credentials,
  })
  const renewing = membership && keepRenewed(membership, { controlUrl, identity, url, clock, log })
  renewing?.onRenewed(credentials => server.show(credentials))
  const ticking = startTicking(live)
  const worker = new Worker({ store, packager, pointers, counters, clock, log })
  const jobs = leaseJobs({ ...place, identity, work: leased => worker.work(leased), log, clock })
  const health = reportHealth({
    ...{ ...place, identity, clock, metrics, log },
    snapshot: () => snapshots.current(),
    totals: () => counters.totals,
    busy: () => jobs.running() + live.table.running,
  })
  const sweeping = sweepRegularly(pointers, log)
  log.info({ port: server.port }, 'origin listens')
  return {
    metrics: () => metrics.text(),
    health: () => health.health(snapshots.current() ? [] : ['snapshot']),
    async close() {
      await jobs.close()
      await sweeping.close()
      // First, so that whoever is let go here finds the next one.
      await leases.close()
      // Held requests and hand-overs would hold the server's end up.
      live.table.close()
      ticking.stop()
      await server.close()
      passing.close()
      await health.close()
      await reports.close()
      await snapshots.close()
      await renewing?.close()
    },
  }
}

/** Of an origin that joined, or has others beside it: one of this machine is certified by control on its first start. */
async function membershipOf(
  { membershipFile, controlUrl, identity, url }: OriginOptions,
  { log, clock }: { log: Logger; clock: Clock },
): Promise<Membership | undefined> {
  if (membershipFile === undefined) return undefined
  return obtainMembership({ file: membershipFile, controlUrl, identity, url: url ?? null, log, clock })
}

function sweepRegularly(pointers: Pointers, log: Logger): { close(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  const sweep = async (): Promise<void> => {
    try {
      const swept = await pointers.sweep()
      if (swept > 0) log.info({ swept }, 'replaced versions deleted')
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'sweep failed')
    }
  }
  const timer = setInterval(() => {
    running = running.then(sweep)
  }, SWEEP_EVERY)
  return {
    close: () => {
      clearInterval(timer)
      return running
    },
  }
}
