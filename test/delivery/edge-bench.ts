import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import {
  Departures,
  instant,
  systemClock,
  type Clock,
  type DistributionId,
  type KeyGroupId,
  type KeyId,
} from '../../src/core/index.ts'
import {
  firstDistribution,
  NO_MATERIALS,
  type Materials,
  type Snapshot,
} from '../../src/distribution/index.ts'
import type { FieldEncryptor } from '../../src/fields/index.ts'
import { createMetrics, silentLogger, type Logger } from '../../src/telemetry/index.ts'
import { createGuard, IssuerKeys, type Guard } from '../../src/outbound/index.ts'
import type { CountsInto } from '../../src/delivery/counts.ts'
import { handle } from '../../src/delivery/engine.ts'
import type { NodeFunctions } from '../../src/delivery/functions/node-functions.ts'
import { CacheNode, type Countries } from '../../src/delivery/node.ts'
import { read } from '../../src/delivery/read.ts'
import {
  startViewerServer,
  type ViewerLimits,
  type ViewerServer,
  type ViewerServerOptions,
} from '../../src/delivery/viewers/server.ts'
import type { UpgradedConnections } from '../../src/delivery/relay/upgrade.ts'
import { createUpstream, type Upstream } from '../../src/delivery/upstream/upstream.ts'
import { Usage } from '../../src/delivery/usage.ts'
import { compileTrustedProxies } from '../../src/delivery/viewer.ts'
import { BETWEEN, regionalBetween } from './regional-between.ts'

export type OriginHandler = (request: IncomingMessage, response: ServerResponse) => void

/** Key material of the tests, made anew for each run. */
export const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const KEY_ID = 'KTESTKEY000001' as KeyId // a test's own
export const DISTRIBUTION = 'ETESTDISTRIBUT' as DistributionId // a test's own
const GROUP = 'kg-members' as KeyGroupId // a test's own

export function snapshotOf(change: Partial<Snapshot> = {}): Snapshot {
  const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  return {
    version: 1,
    distributions: [firstDistribution(DISTRIBUTION, 'cdn.localhost', GROUP)],
    fallbackDistribution: DISTRIBUTION,
    keyGroups: [
      {
        id: GROUP,
        name: 'default',
        sha1: 'accept',
        withoutResource: 'refuse',
        keys: [{ id: KEY_ID, name: 'test', type: 'p256', pem }],
      },
    ],
    issuers: [],
    originAccess: [],
    nodes: [],
    channels: [],
    sequence: 0,
    invalidations: [],
    ...change,
  }
}

/** A real edge over real sockets before a real origin that the test scripts. */
export class EdgeBench {
  readonly node: CacheNode
  readonly url: string
  /** What the origin was asked, in order. */
  readonly asked: string[]
  readonly lines: Record<string, unknown>[]
  /** The origin is killed, and is back on its port when what is awaited is over. */
  readonly restartOrigin: (whileAway?: () => Promise<unknown>) => Promise<void>
  readonly #closers: (() => Promise<void>)[]

  private constructor(
    parts: Pick<EdgeBench, 'node' | 'url' | 'asked' | 'lines' | 'restartOrigin'>,
    closers: (() => Promise<void>)[],
  ) {
    this.node = parts.node
    this.url = parts.url
    this.asked = parts.asked
    this.lines = parts.lines
    this.restartOrigin = parts.restartOrigin
    this.#closers = closers
  }

  static async start(
    origin: OriginHandler,
    options: {
      snapshot?: Snapshot
      trustedProxies?: string[]
      clock?: Clock
      tls?: NonNullable<ViewerServerOptions['tls']>
      /** Changes what the port is told beside that. */
      port?: Partial<ViewerServerOptions>
      limits?: Partial<ViewerLimits>
      /** Where origins may be; nowhere on this machine unless said. */
      allowOrigins?: string[]
      guard?: Guard
      log?: Logger
      /** Follows the snapshot's issuers; without it only those with inline keys open anything. */
      issuers?: Pick<IssuerKeys, 'follow' | 'of' | 'renew' | 'close'>
      upgraded?: UpgradedConnections
      countries?: Countries
      /** Owned by the test. */
      encryptor?: FieldEncryptor
      /** Of the edge and of what stands before it; closed with them. */
      functions?: { run: NodeFunctions; materials: Materials }
      /** Whether a regional cache stands between it and its origins, whatever is said for all tests. */
      between?: boolean
      /** PEM, for origins that speak TLS. */
      authorities?: string
      /** Into which it counts. */
      ledger?: CountsInto
    } = {},
  ): Promise<EdgeBench> {
    const asked: string[] = []
    const lines: Record<string, unknown>[] = []
    const originServer = createServer((request, response) => {
      asked.push(request.url ?? '')
      // The test's clock runs apart from the machine's, and a Date would tell them apart.
      response.sendDate = false
      origin(request, response)
    })
    await new Promise<void>(resolve => originServer.listen(0, '127.0.0.1', resolve))
    const { port } = originServer.address() as AddressInfo // listening on TCP
    const clock = options.clock ?? systemClock
    const guard = options.guard ?? createGuard({ allow: options.allowOrigins ?? [], ownPorts: [] })
    const usage = new Usage(createMetrics('edge'), options.ledger)
    const { counts } = usage
    const upstream: Upstream = createUpstream({
      counts,
      url: `http://127.0.0.1:${port}`,
      token: () => Promise.resolve('token'),
      log: options.log ?? silentLogger,
      ...{ guard, clock, ...(options.authorities !== undefined && { authorities: options.authorities }) },
    })
    const issuers =
      options.issuers ?? new IssuerKeys({ stateDir: '/nonexistent', log: silentLogger, ...{ guard, clock } })
    const trustedProxies = compileTrustedProxies(options.trustedProxies ?? [])
    const memoryCacheBytes = 64 * 1024 * 1024
    const between =
      (options.between ?? BETWEEN)
        ? await regionalBetween({ clock, upstream, functions: options.functions }, memoryCacheBytes)
        : undefined
    const node = new CacheNode({
      pop: 'test',
      clock,
      memoryCacheBytes,
      ...(between && { regionals: between.regionals }),
      upstream,
      issuers,
      usage,
      accessLog: {
        append: line => void lines.push(JSON.parse(line) as Record<string, unknown>),
        dropped: 0,
        close: () => Promise.resolve(),
      },
      log: options.log ?? silentLogger,
      trustedProxies,
      ...(options.limits?.stalled !== undefined && { takenWithin: options.limits.stalled }),
      ...(options.upgraded && { upgraded: options.upgraded }),
      ...(options.countries && { countries: options.countries }),
      ...(options.encryptor && { encryptor: options.encryptor }),
      ...(options.functions && { functions: options.functions.run }),
    })
    if (between !== undefined) {
      const apply = node.apply.bind(node)
      node.apply = snapshot => apply(between.tell(snapshot))
    }
    await node.follow(options.snapshot ?? snapshotOf(), options.functions?.materials ?? NO_MATERIALS)
    const server: ViewerServer = await startViewerServer({
      listen: { host: '127.0.0.1', port: 0 },
      handle: (request, response) => handle(node, read, request, response),
      onUpgrade: (request, response, leaving) => handle(node, read, request, response, leaving),
      trustedProxies,
      departures: new Departures(() => counts.commit()),
      ...(options.tls && { tls: options.tls }),
      ...(options.limits && { limits: options.limits }),
      ...options.port,
    })
    const scheme = options.tls ? 'https' : 'http'
    const url = `${scheme}://127.0.0.1:${server.port}`
    const endOrigin = (): Promise<void> =>
      new Promise<void>(resolve => {
        originServer.close(() => resolve())
        originServer.closeAllConnections()
      })
    const restartOrigin = async (whileAway?: () => Promise<unknown>): Promise<void> => {
      await endOrigin()
      await whileAway?.()
      await new Promise<void>(resolve => originServer.listen(port, '127.0.0.1', resolve))
    }
    return new EdgeBench({ node, url, asked, lines, restartOrigin }, [
      () => server.close(100),
      async () => between?.close(),
      () => upstream.close(),
      () => issuers.close(),
      async () => options.functions?.run.close(),
      endOrigin,
    ])
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close()
  }
}

/** A clock that the test moves. */
export function handClock(): Clock & { move(ms: number): void } {
  let now = Date.now()
  return { now: () => instant(now), move: ms => void (now += ms) }
}
