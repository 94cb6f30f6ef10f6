import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { systemClock, type Milliseconds, type RunningRole } from '../../core/index.ts'
import type { Snapshot } from '../../distribution/index.ts'
import { createGuard } from '../../outbound/index.ts'
import { createLogger, createMetrics, type Metrics } from '../../telemetry/index.ts'
import { issuersOf, measureIssuers, tieToControl } from '../edge-ties.ts'
import type { EdgeOptions } from '../edge.ts'
import { LatencyMeter } from '../../routing/index.ts'
import { bookOf } from '../node-ledger.ts'
import { UsageBooks } from '../usage-books.ts'
import { ViewerCount } from '../viewers/viewer-count.ts'
import { WORKER_METRICS } from '../metric-names.ts'
import { Staff } from './staff.ts'
import { MetricSums } from './metric-sums.ts'
import { TrafficSums } from './traffic-sums.ts'

/** Resumption works with tickets of this and no earlier rotation: who stole a key reads half a day at most. */
const ROTATE_TICKETS: Milliseconds = 12 * 3_600_000
/** Viewers count for 10 s from their last sign of life. */
const COLLECT_VIEWERS: Milliseconds = 1_000
/** What is told to control is a second old at most. */
const COLLECT_TRAFFIC: Milliseconds = 1_000
const METRICS_WITHIN: Milliseconds = 1_500

/**
 * An edge of several workers. This process serves no viewer: it follows control once for all of them, asks issuers for
 * keys, counts, and keeps the workers running, each of which owns its part of the keys (SEAMS 22).
 */
export async function startManager(options: EdgeOptions): Promise<RunningRole> {
  const log = createLogger('edge', options.logLevel)
  const metrics = createMetrics('edge')
  const guard = createGuard({ allow: options.allowOrigins, ownPorts: options.ownPorts })
  const viewers = new ViewerCount(systemClock)
  const latencies = new LatencyMeter(systemClock)
  const sums = new MetricSums()
  const traffic = new TrafficSums()
  await rm(options.workersFolder, { recursive: true, force: true })
  await mkdir(options.workersFolder, { mode: 0o700 })

  let snapshot: Snapshot | undefined
  let tickets = randomBytes(48)
  const issuers = issuersOf(options, { guard, log, changed: () => void handOutKeys() })
  await issuers.start()
  const handOutKeys = (): Promise<unknown> => staff.askAll('keys', issuers.sets())
  const staff: Staff = new Staff({
    edge: options,
    log,
    renew: async issuer => {
      await issuers.renew(issuer)
      await handOutKeys()
    },
    tickets: () => tickets.toString('base64'),
    latest: () => snapshot && { snapshot, keys: issuers.sets() },
    left: member => {
      sums.left(member)
      traffic.left(member)
    },
  })
  await staff.start()
  const books = new UsageBooks({
    stateDir: options.stateDir,
    live: Array.from({ length: options.workers }, (_, index) => bookOf(index)),
    beginAnew: async (book, why) => void (await staff.askAll('anew', { book, why })),
    ...{ clock: systemClock, log },
  })
  await books.start()
  const ties = tieToControl(options, {
    ...{ metrics, log, viewers, latencies },
    totals: () => traffic.all,
    busy: () => traffic.all.busy,
    books: () => books.all(),
    async apply(next) {
      snapshot = next
      issuers.follow(next.issuers)
      await staff.apply({ snapshot: next, keys: issuers.sets() })
    },
  })
  measureIssuers(issuers, metrics)
  measureStaff(staff, metrics)
  const timers = [
    every(COLLECT_VIEWERS, async () => {
      for (const { answered } of await staff.askAll('viewers', null))
        for (const [channel, names] of answered) for (const name of names) viewers.seen(channel, name)
      for (const { answered } of await staff.askAll('measured', null))
        for (const { network, milliseconds } of answered) latencies.add(network, milliseconds)
    }),
    every(COLLECT_TRAFFIC, async () => {
      for (const { member, answered } of await staff.askAll('traffic', null, { within: METRICS_WITHIN }))
        traffic.heard(member, answered)
    }),
    every(ROTATE_TICKETS, async () => {
      tickets = randomBytes(48)
      await staff.askAll('tickets', tickets.toString('base64'))
    }),
  ]
  const ports = await staff.listen()
  log.info({ ...ports, workers: options.workers }, 'edge listens')

  return {
    async close() {
      for (const timer of timers) clearInterval(timer)
      await staff.close()
      await ties.close()
      await issuers.close()
      await rm(options.workersFolder, { recursive: true, force: true })
    },
    async metrics() {
      const answers = await staff.askAll('metrics', null, { within: METRICS_WITHIN })
      return sums.of(await metrics.text(), answers)
    },
    health: () => ties.health([...(snapshot ? [] : ['snapshot']), ...(staff.live > 0 ? [] : ['workers'])]),
  }
}

function every(span: Milliseconds, act: () => Promise<void>): NodeJS.Timeout {
  const timer = setInterval(() => void act(), span)
  timer.unref()
  return timer
}

function measureStaff(staff: Staff, metrics: Metrics): void {
  metrics.gauge(WORKER_METRICS.workers, () => staff.live)
  metrics.collected(WORKER_METRICS.restarts, () => [[{}, staff.restarts]])
}
