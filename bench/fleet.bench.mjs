// One control and 20 nodes that follow its snapshot over loopback, each with a folder of its own: from a change to its
// acknowledgement by all of them, and the same of an invalidation, as the command line waits for it; then once more
// beside 1,000 older ones. All of it is one process. NODES=20 and CHANGES=60 change the load.
import { createHash, randomBytes } from 'node:crypto'
import path from 'node:path'
import { ControlClient } from '../dist/client/index.js'
import { startControl } from '../dist/control/index.js'
import { followSnapshot, loadOrCreateIdentity } from '../dist/membership/index.js'
import { silentLogger } from '../dist/telemetry/index.js'
import { quantile, report, temporaryFolder } from './running.mjs'

const NODES = Number(process.env.NODES ?? 20)
const CHANGES = Number(process.env.CHANGES ?? 60)
const WARM_UP = 5

const folder = temporaryFolder()
const token = `bench-${randomBytes(16).toString('hex')}`
const identities = []
for (let at = 0; at < NODES; at++)
  identities.push(await loadOrCreateIdentity(path.join(folder, `node-${at}.json`), 'edge'))
const control = await startControl({
  listen: { host: '127.0.0.1', port: 0 },
  dataDir: path.join(folder, 'control'),
  storage: { kind: 'filesystem', folder: path.join(folder, 'storage') },
  domainSuffix: 'cdn.localhost',
  adminTokenSha256: createHash('sha256').update(token).digest('hex'),
  localNodes: identities.map(({ id, role, publicJwk }) => ({ id, role, publicJwk })),
  logLevel: 'silent',
  limits: { spareBytes: 0 },
})
const url = `http://127.0.0.1:${control.port}`
const client = new ControlClient({ url, token })
const followers = identities.map(identity =>
  followSnapshot({
    ...{ controlUrl: url, identity, log: silentLogger, apply: () => {} },
    stateDir: path.join(folder, identity.id),
  }),
)
await Promise.all(followers.map(({ started }) => started))

/** Milliseconds from a change until control has heard of all nodes that they have applied it. */
async function timed(change) {
  const began = performance.now()
  const { snapshotVersion } = await change()
  const { acknowledged, missing } = await client.acknowledged(snapshotVersion, { waitSeconds: 5 })
  if (missing.length > 0 || acknowledged.length !== NODES)
    throw new Error(`${acknowledged.length} of ${NODES} nodes have acknowledged`)
  return performance.now() - began
}

async function measure(name, change) {
  const spans = []
  for (let at = 0; at < WARM_UP + CHANGES; at++) {
    const span = await timed(() => change(at))
    if (at >= WARM_UP) spans.push(span)
  }
  report(`${name}, p50`, quantile(spans, 0.5), 'ms')
  report(`${name}, p95`, quantile(spans, 0.95), 'ms')
}

const [distribution] = await client.distributions()
await measure(`a change, acknowledged by ${NODES} nodes`, at =>
  client.replaceDistribution(distribution.id, { ...distribution, comment: `change ${at}` }),
)
await measure(`an invalidation, acknowledged by ${NODES} nodes`, at =>
  client.invalidate({ paths: [`/film-${at}/*`] }),
)
await client.invalidate({ paths: Array.from({ length: 1_000 }, (_, at) => `/stored/${at}`) })
await measure(`an invalidation beside 1,000 others, acknowledged by ${NODES} nodes`, at =>
  client.invalidate({ paths: [`/film-${at}/*`] }),
)

await Promise.all(followers.map(follower => follower.close()))
await control.close()
process.exit(0)
