import {
  GiB,
  messageOf,
  newDistributionId,
  systemClock,
  type Health,
  type Milliseconds,
} from '../core/index.ts'
import { DEFAULT_GROUP, firstDistribution } from '../distribution/index.ts'
import { createFunctionRunner } from '../functions/index.ts'
import { createPeerVerifier } from '../membership/index.ts'
import { createGuard } from '../outbound/index.ts'
import { openStore } from '../storage/index.ts'
import { createLogger, createMetrics } from '../telemetry/index.ts'
import { Gate } from './access.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Backups } from './backups.ts'
import { Bell } from './bell.ts'
import { ChannelEvents } from './channel-events.ts'
import { ChannelLeases } from './channel-leases.ts'
import { ChannelStates } from './channel-states.ts'
import { Callers } from './cloudfront/callers.ts'
import { cloudFrontHandlers } from './cloudfront/handlers.ts'
import { cloudFrontRoutes } from './cloudfront/routes.ts'
import {
  ensureKeyGroup,
  getPublication,
  listDistributions,
  noteControl,
  openDatabase,
  saveDistribution,
  setFallbackDistribution,
  setLocalNodes,
  type Database,
} from './database/index.ts'
import { EventFeed } from './event-feed.ts'
import { FunctionTrials } from './function-trials.ts'
import { Housekeeping } from './housekeeping.ts'
import { CONTROL_METRICS } from './metric-names.ts'
import { NodeGossip } from './node-gossip.ts'
import { MeasuredNetworks } from './measured.ts'
import { NodeHealths } from './node-healths.ts'
import { Joins } from './joins.ts'
import { Lookout } from './lookout.ts'
import { NodeAuthority } from './node-authority.ts'
import type { ControlLimits, ControlOptions, RunningControl } from './options.ts'
import { Publishing } from './publishing.ts'
import { assetRoutes } from './routes/assets.ts'
import { backupRoute } from './routes/backup.ts'
import { blobRoute } from './routes/blobs.ts'
import { channelRoutes } from './routes/channels.ts'
import { distributionRoutes } from './routes/distributions.ts'
import { eventRoute } from './routes/events.ts'
import { explainRoute } from './routes/explain.ts'
import { functionRoutes } from './routes/functions.ts'
import { issuerRoutes } from './routes/issuers.ts'
import { keyRoutes } from './routes/keys.ts'
import { joinRoutes } from './routes/joins.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { operatorRoutes } from './routes/operators.ts'
import { originAccessRoutes } from './routes/origin-access.ts'
import { encryptionRoutes } from './routes/encryptions.ts'
import { policyRoutes } from './routes/policies.ts'
import { reportRoutes } from './routes/reports.ts'
import { storeRoutes } from './routes/stores.ts'
import { usageRoutes } from './routes/usage.ts'
import { uploadRoute } from './routes/uploads.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { startServer } from './server.ts'
import type { Services } from './services.ts'
import { Snapshots, type PublishedSnapshot } from './snapshots.ts'
import { createUploads, type Announced } from './uploads.ts'
import { Webhooks } from './webhooks.ts'

const DAY: Milliseconds = 86_400_000

const LIMITS: ControlLimits = {
  lease: 10_000,
  channelLease: 3_000,
  leaseGrace: 6_000,
  uploadLife: 24 * 3_600_000,
  spareBytes: 2 * GiB,
  sweep: 500,
  sweepBlobs: 10_000,
  eventHeartbeat: 15_000,
  eventListeners: 100,
  pulse: 2_000,
  clock: systemClock,
}

/** The control plane: the database, both APIs' port, uploads and jobs. It never calls a node. */
export async function startControl(options: ControlOptions): Promise<RunningControl> {
  const limits = { ...LIMITS, ...options.limits }
  const log = createLogger('control', options.logLevel)
  const database = await openDatabase({
    url: options.databaseUrl,
    dataDir: options.dataDir,
    clock: limits.clock,
    pulse: limits.pulse,
    onError: error => log.error({ error: error.message }, 'the database or its job queue failed'),
  })
  try {
    await database.transaction(tx => seed(tx, options))
    const store = await openStore(options.storage)
    const publishing = new Publishing(database, store, limits.spareBytes)
    const snapshots = await Snapshots.open(database, limits.clock)
    const acknowledgements = new Acknowledgements(limits.clock, version => snapshots.madeAt(version))
    const healths = new NodeHealths(limits.clock, log)
    const measured = new MeasuredNetworks(limits.clock)
    const { reach } = options
    const authority = once(() => NodeAuthority.open(database, limits.clock))
    const guard = createGuard({ allow: options.allowWebhooks ?? [], ownPorts: options.ownPorts ?? [] })
    const services: Services = {
      guard,
      ...{ database, snapshots, acknowledgements, healths, publishing, authority },
      trials: new FunctionTrials(() => createFunctionRunner({ threads: 1, log })),
      backups: new Backups({
        ...{ database, store, storage: options.storage, folder: options.dataDir, clock: limits.clock },
      }),
      joins: new Joins({ database, authority, store, url: reach?.url }),
      uploads: createUploads({
        store,
        announced: id => announcedUpload(database, id),
        uploaded: id => publishing.uploaded(id),
        cancelled: id =>
          publishing.abandon(id, 'upload-cancelled', 'the upload was cancelled: publish the file again'),
        log,
      }),
      measured,
      channelStates: new ChannelStates(limits.clock),
      channelLeases: new ChannelLeases({ database, snapshots, limits, log }),
      channelEvents: new ChannelEvents({
        heartbeat: limits.eventHeartbeat,
        mostListeners: limits.eventListeners,
      }),
      eventFeed: new EventFeed({
        ...{ database, heartbeat: limits.eventHeartbeat, mostListeners: limits.eventListeners, log },
      }),
      publicationBell: new Bell(),
      jobBell: new Bell(),
      gossip:
        database.others &&
        new NodeGossip({ acknowledgements, healths, measured }, database.others, limits.pulse),
      domainSuffix: options.domainSuffix,
      lease: limits.lease,
    }
    const webhooks = new Webhooks({ database, guard, clock: limits.clock, log })
    database.onCommit(topics => {
      if (topics.has('publications')) services.publicationBell.ring()
      if (topics.has('jobs')) services.jobBell.ring()
      if (topics.has('events')) services.eventFeed.look()
      if (topics.has('events')) void webhooks.look()
    })
    const housekeeping = new Housekeeping({ database, store, publishing, limits, log })
    await housekeeping.start()
    services.channelLeases.start()
    const lookout = new Lookout({ database, acknowledgements, clock: limits.clock, log })
    lookout.start()
    webhooks.start()
    return await listen(options, services, { limits, housekeeping, lookout, webhooks, log })
  } catch (error) {
    await database.close()
    throw error
  }
}

interface Parts {
  limits: ControlLimits
  housekeeping: Housekeeping
  lookout: Lookout
  webhooks: Webhooks
  log: ReturnType<typeof createLogger>
}

async function listen(options: ControlOptions, services: Services, parts: Parts): Promise<RunningControl> {
  const { database, snapshots, acknowledgements, healths, channelEvents, eventFeed, gossip } = services
  const { limits, housekeeping, lookout, webhooks, log } = parts
  let known = await snapshots.current()
  const look = async (): Promise<PublishedSnapshot> => {
    const newest = await snapshots.current()
    if (newest !== known) healths.keep(newest.nodes.map(({ id }) => id))
    return (known = newest)
  }
  healths.keep(known.nodes.map(({ id }) => id))
  // Others may tell of a node before any speaks to this process.
  database.onCommit(topics => {
    if (topics.has('snapshot')) void look()
  })
  const peers = createPeerVerifier(() => known, 'control', limits.clock)
  const gate = new Gate(database, {
    adminTokenSha256: options.adminTokenSha256,
    peers: {
      async verify(token) {
        await look()
        return peers.verify(token)
      },
    },
    clock: limits.clock,
    heard: id => acknowledgements.heard(id),
    untimely: (id, offset) => healths.refused(id, { offset }),
    apart: (id, software = 'before 0.5') => healths.refused(id, { software }),
  })
  const metrics = createMetrics('control')
  const answered = metrics.counter(CONTROL_METRICS.answers)
  metrics.gauge(CONTROL_METRICS.snapshotVersion, () => known.version)
  metrics.gauge(CONTROL_METRICS.clocksOff, () => healths.clocksOff)
  metrics.gauge(CONTROL_METRICS.eventListeners, () => channelEvents.listeners + eventFeed.listeners)
  const { reach } = options
  const authority = reach && (await services.authority())
  let credentials = reach && (await authority?.credentials(reach.names))
  const server = await startServer(options.listen, {
    credentials,
    routes: [
      ...assetRoutes(services),
      backupRoute(services),
      blobRoute(services),
      ...channelRoutes(services),
      eventRoute(services),
      ...keyRoutes(services),
      ...distributionRoutes(services),
      ...issuerRoutes(services),
      ...policyRoutes(services),
      ...encryptionRoutes(services),
      ...functionRoutes(services),
      ...storeRoutes(services),
      ...originAccessRoutes(services),
      explainRoute(services, limits.clock),
      ...operatorRoutes(services),
      ...joinRoutes(services),
      ...nodeRoutes(services),
      ...reportRoutes(services, limits.clock),
      ...usageRoutes(services),
      uploadRoute(services),
      ...webhookRoutes(services),
      ...cloudFrontRoutes({
        ...{ callers: new Callers(database, options.adminAccessKey), clock: limits.clock, log },
        handlers: cloudFrontHandlers(services),
      }),
    ],
    authorise: (access, request) => gate.authorise(access, request),
    answered: status => answered({ status: String(status) }),
    clock: limits.clock,
    log,
  })
  log.info({ port: server.port }, 'control listens')
  const renewal = setInterval(() => {
    if (!reach || !authority || !credentials?.certificate || !authority.isLate(credentials)) return
    void authority.credentials(reach.names).then(
      next => server.show((credentials = next)),
      (error: unknown) =>
        log.error({ error: messageOf(error) }, 'the certificate of control was not renewed'),
    )
  }, DAY).unref()
  const noting = setInterval(() => {
    // While the database is away: a day later will do.
    if (reach) void database.transaction(tx => noteControl(tx, reach.url)).catch(() => {})
  }, DAY).unref()
  let health: Health = { kind: 'ready' }
  return {
    port: server.port,
    metrics: () => metrics.text(),
    health: () => health,
    async close() {
      health = { kind: 'not-ready', waitingFor: ['closing'] }
      clearInterval(renewal)
      clearInterval(noting)
      // First, since its listeners would stay for ever.
      channelEvents.close()
      await eventFeed.close()
      await server.close()
      await services.channelLeases.close()
      await housekeeping.close()
      await lookout.close()
      await webhooks.close()
      await services.trials.close()
      snapshots.close()
      await gossip?.close()
      await database.close()
    },
  }
}

/** The first distribution, its members' key group, and the nodes of this machine. */
async function seed(
  tx: Parameters<Parameters<Database['transaction']>[0]>[0],
  options: ControlOptions,
): Promise<void> {
  const { id: group } = await ensureKeyGroup(tx, DEFAULT_GROUP)
  if ((await listDistributions(tx)).length === 0) {
    const distribution = firstDistribution(newDistributionId(), options.domainSuffix, group)
    await saveDistribution(tx, distribution)
    await setFallbackDistribution(tx, distribution.id)
  }
  const nodes = options.localNodes.map(({ id, role, publicJwk }) => {
    const { kty, crv, x } = publicJwk
    return { id, role, publicKey: { kty, crv, x }, url: options.localUrls?.[role] ?? null }
  })
  const database = options.databaseUrl === undefined ? 'its-own' : 'shared'
  await setLocalNodes(tx, nodes, { name: options.keeper, database })
  if (options.reach) await noteControl(tx, options.reach.url)
}

async function announcedUpload(database: Database, id: string): Promise<Announced | undefined> {
  const publication = await database.read(tx =>
    getPublication(tx, id as Parameters<typeof getPublication>[1]),
  ) // compared only
  if (publication === undefined || publication.state === 'errored') return undefined
  return { size: publication.size, state: publication.state === 'uploading' ? 'uploading' : 'whole' }
}

/** Made when it is first asked for, and again where that failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}
