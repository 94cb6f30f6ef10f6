import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { JobResult, PackageJob, Progress } from '../../src/client/index.ts'
import {
  systemClock,
  Turnstile,
  type AssetId,
  type Clock,
  type JobId,
  type NodeId,
  type PublicationId,
} from '../../src/core/index.ts'
import type { PeerVerifier } from '../../src/membership/index.ts'
import { createCounters } from '../../src/origin/counters.ts'
import { Library } from '../../src/origin/library.ts'
import { Movies } from '../../src/origin/movies.ts'
import { Pointers } from '../../src/origin/pointers.ts'
import { createLive, type Live } from '../../src/origin/live/live.ts'
import type { Muxer } from '../../src/origin/live/channel.ts'
import type { Passing } from '../../src/origin/passing.ts'
import { startOriginServer } from '../../src/origin/server.ts'
import { Worker, type Leased } from '../../src/origin/worker.ts'
import { createPackager, type Packager } from '../../src/packager/index.ts'
import { objectKey, openStore, type ObjectStore } from '../../src/storage/index.ts'
import { createMetrics, silentLogger, type Metrics } from '../../src/telemetry/index.ts'

/** Believes everybody: what nodes are is tested elsewhere. */
export const trusting: PeerVerifier = {
  verify: () => Promise.resolve({ kind: 'peer', id: 'edge-test' as NodeId, role: 'edge' }), // a made-up node
}

export interface OriginUnderTest {
  url: string
  store: ObjectStore
  packager: Packager
  worker: Worker
  pointers: Pointers
  metrics: Metrics
  live: Live
  port: number
  /** Everything that is in the store. */
  keys(): Promise<string[]>
  /** What lies in the work folder. */
  workDir: string
  close(): Promise<void>
}

/** An origin's parts over real HTTP, with a store of files, without control. */
export async function openOrigin(
  options: {
    peers?: PeerVerifier
    clock?: Clock
    ffmpeg?: string
    turnstile?: Turnstile
    wrap?: (store: ObjectStore) => ObjectStore
    live?: { newMuxer?: () => Muxer; memory?: number; mostWaiting?: number; self?: NodeId }
    passing?: Passing
  } = {},
): Promise<OriginUnderTest> {
  const { peers = trusting, clock = systemClock, wrap = store => store } = options
  const { turnstile = new Turnstile({ width: 4, queue: 100 }) } = options
  const folder = await mkdtemp(join(tmpdir(), 'sluice-origin-'))
  const workDir = join(folder, 'work')
  const store = wrap(await openStore({ kind: 'filesystem', folder: join(folder, 'storage') }))
  const log = silentLogger
  const metrics = createMetrics('origin')
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
  const worker = new Worker({ store, packager, pointers, counters, clock, log })
  const library = new Library({ pointers, movies, turnstile })
  const listen = { host: '127.0.0.1', port: 0 }
  const live = createLive({ metrics, clock, log, ...options.live })
  const { passing } = options
  const server = await startOriginServer({ listen, library, live, passing, peers, counters, clock, log })
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    ...{ store, packager, worker, pointers, metrics, live, workDir },
    async keys() {
      const found: string[] = []
      for await (const { key } of store.list('')) found.push(key)
      return found
    },
    async close() {
      live.table.close()
      await server.close()
      passing?.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export function packageJob(job: Partial<PackageJob> = {}): PackageJob {
  return {
    kind: 'package',
    id: 'job1' as JobId, // ids of tests are made up
    publicationId: 'p1' as PublicationId, // likewise
    assetId: 'a1' as AssetId, // likewise
    path: '/films/one',
    version: 1,
    source: 'uploads/p1',
    fileName: 'film',
    ladder: 'none',
    ...job,
  }
}

export function lease(job: Leased['job'], parts: Partial<Leased> = {}): Leased {
  return {
    job,
    attempt: 1,
    signal: new AbortController().signal,
    report: () => {},
    confirm: () => Promise.resolve('held'),
    ...parts,
  }
}

/** Uploads bytes and does the job of publishing them. */
export async function publish(
  origin: OriginUnderTest,
  body: Uint8Array | Readable,
  job: Partial<PackageJob> = {},
  parts: Partial<Leased> = {},
): Promise<{ result: JobResult; progress: Progress[] }> {
  const whole = packageJob(job)
  const progress: Progress[] = []
  await origin.store.put(objectKey(whole.source), body)
  const result = await origin.worker.work(lease(whole, { report: step => progress.push(step), ...parts }))
  return { result, progress }
}
