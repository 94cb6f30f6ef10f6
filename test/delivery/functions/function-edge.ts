import { createHash } from 'node:crypto'
import type { FunctionId, StoreId } from '../../../src/core/index.ts'
import {
  DEFAULT_WIRE,
  type Behaviour,
  type Blob,
  type EdgeFunction,
  type FunctionEvent,
  type FunctionRuntime,
  type HttpOrigin,
  type Materials,
  type Origin,
  type Snapshot,
} from '../../../src/distribution/index.ts'
import { NodeFunctions } from '../../../src/delivery/functions/node-functions.ts'
import { guardedFetch } from '../../../src/delivery/functions/node-runner.ts'
import { createFunctionRunner } from '../../../src/functions/index.ts'
import { createGuard } from '../../../src/outbound/index.ts'
import { systemClock } from '../../../src/core/index.ts'
import { createMetrics, silentLogger, type Logger, type Metrics } from '../../../src/telemetry/index.ts'
import { EdgeBench } from '../edge-bench.ts'
import { ForeignOrigin, snapshotWith } from '../foreign-origin.ts'

export interface Written {
  event: FunctionEvent
  code: string
  runtime?: FunctionRuntime
  body?: boolean
  when?: 'stored' | 'asked'
  hosts?: string[]
}

export function httpOrigin(url: string, id = 'site'): HttpOrigin {
  return { id, kind: 'http', url, headers: [], ...DEFAULT_WIRE }
}

const VIEWER_EVENTS: ReadonlySet<FunctionEvent> = new Set(['viewer-request', 'viewer-response'])

function runtimeOf({ runtime, event }: Written): FunctionRuntime {
  if (runtime !== undefined) return runtime
  if (event === 'playlist-response') return 'sluice-js-1'
  return VIEWER_EVENTS.has(event) ? 'cloudfront-js-2.0' : 'lambda-edge'
}

/** Handlers of Lambda@Edge are exported (`exports.handler`), the others are functions of that name. */
export function withFunctions(
  snapshot: Snapshot,
  written: readonly Written[],
  store?: Record<string, string>,
  where: 'first' | 'all' = 'first',
): { snapshot: Snapshot; materials: Materials } {
  const materials = new Map<string, Uint8Array>()
  const blob = (text: string): Blob => {
    const sha256 = createHash('sha256').update(text).digest('hex')
    materials.set(sha256, Buffer.from(text))
    return { sha256, bytes: Buffer.byteLength(text) }
  }
  const storeId = 'store-1' as StoreId // a test's own
  const functions = written.map((each, at): EdgeFunction => ({
    ...{ id: `f${at}-${each.event}` as FunctionId, runtime: runtimeOf(each), code: blob(each.code) },
    ...(store && { store: storeId }),
    ...(each.hosts && { hosts: each.hosts }),
  }))
  const uses = written.map(({ event, body, when }, at) => ({
    ...{ event, function: `f${at}-${event}` as FunctionId },
    ...(body !== undefined && { body }),
    ...(when !== undefined && { when }),
  }))
  const distributions = snapshot.distributions.map(each => ({
    ...each,
    behaviours: each.behaviours.map((behaviour, at) =>
      at === 0 || where === 'all' ? { ...behaviour, functions: uses } : behaviour,
    ),
  }))
  const stores = store && [{ id: storeId, name: 'store', data: blob(JSON.stringify(store)) }]
  return { snapshot: { ...snapshot, distributions, functions, ...(stores && { stores }) }, materials }
}

export function runnerFor(metrics: Metrics, log: Logger = silentLogger): NodeFunctions {
  const guard = createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] })
  const fetched = guardedFetch({ guard, clock: systemClock })
  const runner = createFunctionRunner({ threads: 1, log: silentLogger, fetch: fetched })
  return new NodeFunctions({ runner, metrics, log, clock: systemClock })
}

/** A real edge with functions on real threads, before an origin that the test scripts. */
export class FunctionEdge {
  readonly edge: EdgeBench
  readonly origin: ForeignOrigin
  readonly metrics: Metrics

  private constructor(edge: EdgeBench, origin: ForeignOrigin, metrics: Metrics) {
    this.edge = edge
    this.origin = origin
    this.metrics = metrics
  }

  static async start(
    written: readonly Written[],
    options: {
      answer?: Parameters<typeof ForeignOrigin.start>[0]
      behaviour?: Partial<Behaviour>
      behaviours?: (Partial<Behaviour> & { pattern: string })[]
      origins?: Origin[]
      store?: Record<string, string>
      more?: Partial<Snapshot>
      log?: Logger
    } & Pick<
      NonNullable<Parameters<typeof EdgeBench.start>[1]>,
      'between' | 'countries' | 'tls' | 'clock'
    > = {},
  ): Promise<FunctionEdge> {
    const origin = await ForeignOrigin.start(
      options.answer ??
        ((request, response) => {
          response.setHeader('Cache-Control', 'max-age=60')
          response.end(`${request.method} ${request.url}`)
        }),
    )
    const behaviours = options.behaviours ?? [{ pattern: '*', ...options.behaviour }]
    const origins = [httpOrigin(origin.url), ...(options.origins ?? [])]
    const { snapshot, materials } = withFunctions(
      snapshotWith(origins, behaviours, options.more),
      written,
      options.store,
    )
    const metrics = createMetrics('edge')
    const guard = createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] })
    const log = options.log ?? silentLogger
    const { between, countries, tls, clock } = options
    const edge = await EdgeBench.start((_request, response) => void response.end(), {
      ...{ snapshot, guard, log, functions: { run: runnerFor(metrics, log), materials } },
      ...(between !== undefined && { between }),
      ...(countries && { countries }),
      ...(tls && { tls }),
      ...(clock && { clock }),
    })
    return new FunctionEdge(edge, origin, metrics)
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.edge.url}${path}`, { redirect: 'manual', ...init })
  }

  async text(path: string, init: RequestInit = {}): Promise<string> {
    return (await this.get(path, init)).text()
  }

  async close(): Promise<void> {
    await this.edge.close()
    await this.origin.close()
  }
}
