import { DiskTier, shardsOf } from '../../src/cache/index.ts'
import { type Clock, type NodeId, codeOf, pause, systemClock } from '../../src/core/index.ts'
import type { PeerNode, Snapshot } from '../../src/distribution/index.ts'
import { createPeerVerifier, nodeTokenSource } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'
import { createGuard, IssuerKeys } from '../../src/outbound/index.ts'
import { handle } from '../../src/delivery/engine.ts'
import { CacheNode } from '../../src/delivery/node.ts'
import { read } from '../../src/delivery/read.ts'
import { startNodeServer, type NodeServer } from '../../src/delivery/tiers/node-server.ts'
import { Regionals } from '../../src/delivery/tiers/regionals.ts'
import { startViewerServer, type ViewerServer } from '../../src/delivery/viewers/server.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { createUpstream } from '../../src/delivery/upstream/upstream.ts'
import { Usage } from '../../src/delivery/usage.ts'
import { compileTrustedProxies } from '../../src/delivery/viewer.ts'

export interface TierOptions {
  edges?: number
  regionals?: number
  /** Without nodes; those of the bench are added. */
  snapshot: Snapshot
  /** Of the built-in origin. */
  originUrl?: string
  clock?: Clock
  memory?: number
  /** What a node sees of a snapshot: the addresses in it may lead through relays of a test's own. */
  seenBy?: (snapshot: Snapshot, id: string) => Snapshot
  /** In place of `originUrl`, for each node. */
  originUrlOf?: (id: string) => string
  /** Folder of a node's disk tier, which outlives it. */
  diskOf?: (id: string) => string | undefined
}

const DISK = 64 * 1024 * 1024

interface Identity {
  id: NodeId
  key: ReturnType<typeof newNodeKey>
}

/** One that can be killed and started again. */
export interface BenchNode {
  id: NodeId
  node: CacheNode
  url: string
  /** Ends at once, as if it were killed. */
  kill: () => Promise<void>
  /** Comes back at its port with nothing in memory, and with the snapshot that it had, or this one. */
  restart: (snapshot?: Snapshot) => Promise<void>
}

export interface BenchEdge extends BenchNode {
  lines: Record<string, unknown>[]
  key: ReturnType<typeof newNodeKey>
}

export interface BenchRegional extends BenchNode {
  /** Questions that it has counted. */
  readonly asked: number
}

/** Edges, regional caches between them and the origins, all over real sockets of this machine. */
export class TierBench {
  readonly edges: BenchEdge[] = []
  readonly regionals: BenchRegional[] = []
  readonly #options: TierOptions
  readonly #clock: Clock
  readonly #closers: (() => Promise<unknown>)[] = []
  #nodes: PeerNode[] = []

  private constructor(options: TierOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  static async start(options: TierOptions): Promise<TierBench> {
    const bench = new TierBench(options)
    for (let at = 0; at < (options.regionals ?? 1); at++) await bench.#addRegional(`regional-${at}`)
    for (let at = 0; at < (options.edges ?? 1); at++) await bench.#addEdge(`edge-${at}`)
    bench.applyToAll(options.snapshot)
    return bench
  }

  get edge(): BenchEdge {
    const [edge] = this.edges
    if (edge === undefined) throw new Error('there is no edge')
    return edge
  }

  get regional(): BenchRegional {
    const [regional] = this.regionals
    if (regional === undefined) throw new Error('there is no regional cache')
    return regional
  }

  /** What a node is told of this snapshot. */
  withNodes(snapshot: Snapshot): Snapshot {
    return { ...snapshot, nodes: [...snapshot.nodes, ...this.#nodes] }
  }

  applyToAll(snapshot: Snapshot): void {
    for (const { id, node } of [...this.regionals, ...this.edges]) node.apply(this.seen(snapshot, id))
  }

  /** What one node is told of this snapshot. */
  seen(snapshot: Snapshot, id: NodeId): Snapshot {
    const whole = this.withNodes(snapshot)
    return this.#options.seenBy?.(whole, id) ?? whole
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close()
  }

  async #addRegional(id: string): Promise<void> {
    const identity = identityOf(id)
    let parts = await this.#node(identity, 'regional')
    let server: NodeServer | undefined
    const begin = async (port: number): Promise<number> => {
      const { node } = parts
      const peers = createPeerVerifier(() => node.snapshot, 'regional', this.#clock)
      server = await startNodeServer({ listen: { host: '127.0.0.1', port }, node, peers })
      return server.port
    }
    const port = await begin(0)
    const url = `http://127.0.0.1:${port}`
    this.#nodes.push({ ...peerOf(identity, 'regional'), url })
    const kill = async (): Promise<void> => {
      await server?.close(0)
      server = undefined
      await parts.close()
    }
    const restart = async (snapshot = parts.node.snapshot): Promise<void> => {
      parts = await this.#node(identity, 'regional')
      if (snapshot) parts.node.apply(snapshot)
      await whenFree(() => begin(port))
    }
    this.regionals.push({
      ...{ id: identity.id, url, kill, restart },
      get node() {
        return parts.node
      },
      get asked() {
        return parts.usage.of(DISTRIBUTION).requests
      },
    })
    this.#closers.push(kill)
  }

  async #addEdge(id: string): Promise<void> {
    const identity = identityOf(id)
    let parts = await this.#node(identity, 'edge')
    let server: ViewerServer | undefined
    const begin = async (port: number): Promise<number> => {
      const { node, trustedProxies } = parts
      server = await startViewerServer({
        listen: { host: '127.0.0.1', port },
        handle: (request, response) => handle(node, read, request, response),
        onUpgrade: (request, response, leaving) => handle(node, read, request, response, leaving),
        trustedProxies,
      })
      return server.port
    }
    const port = await begin(0)
    this.#nodes.push(peerOf(identity, 'edge'))
    const kill = async (within = 0): Promise<void> => {
      await server?.close(within)
      server = undefined
      await parts.close()
    }
    const restart = async (snapshot = parts.node.snapshot): Promise<void> => {
      parts = await this.#node(identity, 'edge')
      if (snapshot) parts.node.apply(snapshot)
      await whenFree(() => begin(port))
    }
    this.edges.push({
      ...{ id: identity.id, key: identity.key, url: `http://127.0.0.1:${port}`, kill, restart },
      get node() {
        return parts.node
      },
      get lines() {
        return parts.lines
      },
    })
    this.#closers.push(() => kill(100))
  }

  async #node(identity: Identity, role: 'edge' | 'regional') {
    const clock = this.#clock
    const guard = createGuard({ allow: ['127.0.0.0/8'], ownPorts: [] })
    const lines: Record<string, unknown>[] = []
    const signs = { id: identity.id, privateJwk: identity.key.privateJwk }
    const log = silentLogger
    const upstream = createUpstream({
      url: this.#options.originUrlOf?.(identity.id) ?? this.#options.originUrl ?? 'http://127.0.0.1:9',
      token: nodeTokenSource({ ...signs, role, publicJwk: identity.key.publicJwk }, 'origin', clock),
      ...{ guard, clock, log },
    })
    const issuers = new IssuerKeys({ stateDir: '/nonexistent', ...{ guard, clock, log } })
    const regionals =
      role === 'regional'
        ? undefined
        : new Regionals({
            membership: () => undefined,
            token: nodeTokenSource({ ...signs, role, publicJwk: identity.key.publicJwk }, 'regional', clock),
            clock,
          })
    const trustedProxies = compileTrustedProxies([])
    const folder = this.#options.diskOf?.(identity.id)
    const disk =
      folder === undefined
        ? undefined
        : new DiskTier({ folder, maxBytes: DISK, shards: shardsOf(0, 1), clock, log })
    await disk?.start()
    const usage = new Usage(createMetrics(role))
    const node = new CacheNode({
      ...{ pop: 'test', clock, upstream, issuers, log, trustedProxies },
      memoryCacheBytes: this.#options.memory ?? 64 * 1024 * 1024,
      usage,
      accessLog: {
        append: line => void lines.push(JSON.parse(line) as Record<string, unknown>),
        dropped: 0,
        close: () => Promise.resolve(),
      },
      ...(regionals && { regionals }),
      ...(disk && { disk }),
    })
    const close = async (): Promise<void> => {
      await regionals?.close()
      await upstream.close()
      await issuers.close()
      await disk?.close()
    }
    return { node, lines, close, trustedProxies, usage }
  }
}

/** A port that was let go may be some client's for a moment, here or in another process. */
async function whenFree(begin: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    try {
      return void (await begin())
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE' || Date.now() > deadline) throw error
      await pause(20)
    }
  }
}

function identityOf(id: string): Identity {
  return { id: id as NodeId, key: newNodeKey() } // a test's own
}

function peerOf({ id, key }: Identity, role: 'edge' | 'regional'): PeerNode {
  return { id, role, publicKey: key.publicJwk, pop: 'test', url: null }
}
