import type { Clock, NodeId } from '../../src/core/index.ts'
import { NO_MATERIALS, type Materials, type PeerNode, type Snapshot } from '../../src/distribution/index.ts'
import type { NodeFunctions } from '../../src/delivery/functions/node-functions.ts'
import { CacheNode } from '../../src/delivery/node.ts'
import { startNodeServer } from '../../src/delivery/tiers/node-server.ts'
import { Regionals } from '../../src/delivery/tiers/regionals.ts'
import type { Upstream } from '../../src/delivery/upstream/upstream.ts'
import { Usage } from '../../src/delivery/usage.ts'
import { compileTrustedProxies } from '../../src/delivery/viewer.ts'
import { createPeerVerifier, nodeTokenSource } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'

/** With this, benches of one edge put a regional cache between it and its origins: the same tests hold of both. */
export const BETWEEN = process.env['SLUICE_TEST_TIER'] === 'regional'

/** A regional cache for a bench's edge; it is asked once it is listed in what `listed` gives. */
export async function regionalBetween(
  {
    clock,
    upstream,
    functions,
  }: {
    clock: Clock
    upstream: Upstream
    functions?: { run: NodeFunctions; materials: Materials } | undefined
  },
  memoryCacheBytes: number,
): Promise<{
  regionals: Regionals
  /** Tells the regional cache, and gives what the edge is to be told. */
  tell: (snapshot: Snapshot) => Snapshot
  close: () => Promise<void>
}> {
  const [edge, between] = [newNodeKey(), newNodeKey()]
  const node = new CacheNode({
    ...{ pop: 'between', clock, upstream, memoryCacheBytes, log: silentLogger },
    issuers: { follow: () => {}, of: () => undefined, renew: () => Promise.resolve() },
    usage: new Usage(createMetrics('regional')),
    accessLog: { append: () => {}, dropped: 0, close: () => Promise.resolve() },
    trustedProxies: compileTrustedProxies([]),
    ...(functions && { functions: functions.run }),
  })
  const peers = createPeerVerifier(() => node.snapshot, 'regional', clock)
  const server = await startNodeServer({ listen: { host: '127.0.0.1', port: 0 }, node, peers })
  const id = 'edge-ofbench0' as NodeId // a test's own
  const regionals = new Regionals({
    membership: () => undefined,
    token: nodeTokenSource({ id, role: 'edge', ...edge }, 'regional', clock),
    clock,
  })
  const nodes: PeerNode[] = [
    { id, role: 'edge', publicKey: edge.publicJwk, pop: 'test', url: null },
    {
      id: 'regional-bench' as NodeId, // a test's own
      ...{ role: 'regional', publicKey: between.publicJwk, pop: 'between' },
      url: `http://127.0.0.1:${server.port}`,
    },
  ]
  return {
    regionals,
    tell(snapshot) {
      const listed = { ...snapshot, nodes: [...snapshot.nodes, ...nodes] }
      void node.follow(listed, functions?.materials ?? NO_MATERIALS)
      return listed
    },
    async close() {
      await regionals.close()
      await server.close(0)
    },
  }
}
