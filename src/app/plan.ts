import { fileURLToPath } from 'node:url'
import { SluiceError, systemClock } from '../core/index.ts'
import { readCertificate, readCountryFile, untimely, type CertificatePair } from '../inbound/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { AccessKey } from '../signing/index.ts'
import type { StorageOptions } from '../storage/index.ts'
import type { CertificateFiles } from './certificates.ts'
import { membershipFile, type DataFolder } from './data-folder.ts'
import { planDiskCache } from './disk.ts'
import { urlOf } from './listen.ts'
import { lockPath } from './lock.ts'
import type { FixedListen, PortWish } from './ports.ts'
import { nodeUrlOf } from './node-url.ts'
import { reachOf } from './reach.ts'
import type { RoleOptions, SupervisedRole } from './roles.ts'
import { SETTINGS, type Configuration } from './settings.ts'
import { viewersOf } from './viewers-setting.ts'
import type { RoleSpec } from './supervisor.ts'

export type PortName =
  'http' | 'https' | 'rtmp' | 'rtmps' | 'control' | 'origin' | 'regional' | 'dns' | 'admin'
export type Ports = Record<PortName, FixedListen>

const WHAT: Record<PortName, string> = {
  http: 'viewers, HTTP',
  https: 'viewers, HTTPS',
  rtmp: 'RTMP ingest',
  rtmps: 'RTMPS ingest',
  control: 'control',
  origin: 'origin',
  regional: 'regional cache',
  dns: 'name server',
  admin: 'admin',
}

/** Every port of a start, each with its flag. */
export function portWishes(configuration: Configuration): Record<PortName, PortWish> {
  const wish = (name: PortName): PortWish => ({
    listen: configuration[name],
    flag: SETTINGS[name].flag,
    what: WHAT[name],
  })
  return {
    http: wish('http'),
    https: wish('https'),
    rtmp: wish('rtmp'),
    rtmps: wish('rtmps'),
    control: wish('control'),
    origin: wish('origin'),
    regional: wish('regional'),
    dns: wish('dns'),
    admin: wish('admin'),
  }
}

/** The ports that a role has of its own. */
export const PORTS_OF = {
  control: ['control'],
  origin: ['origin'],
  regional: ['regional'],
  edge: ['http', 'https'],
  gateway: ['rtmp', 'rtmps'],
  router: ['dns', 'http', 'https'],
} as const satisfies Record<SupervisedRole, readonly PortName[]>

export const UP_PORTS = ['http', 'https', 'rtmp', 'rtmps', 'control', 'origin'] as const
export type UpPorts = Pick<Ports, (typeof UP_PORTS)[number] | 'admin'>

/** What a role of any kind of start is told of. */
export interface RolePlace {
  configuration: Configuration
  data: DataFolder
  certificates: CertificateFiles
}

/** Of every node that `up` starts. */
export type Identities = Record<'origin' | 'edge' | 'gateway', NodeIdentity>

export interface PlanInputs extends RolePlace {
  ports: UpPorts
  identities: Identities
  /** Where media lies, with the keys to it. */
  storage: StorageOptions
  adminTokenSha256: string
  /** Of `client.json`. A secret. */
  adminAccessKey: AccessKey
  /** Names this data folder among those that share a database. */
  keeper: string
  /** Of a PostgreSQL server; without it control's database is embedded. A secret. */
  databaseUrl?: string | undefined
}

/** Longer than an edge lets a viewer's transfer go on. */
const DRAIN_LIMIT = 12_000

/**
 * Live media passes through buffers that V8 does not keep in its heap but counts against a limit made for it. With a
 * small heap that is a full collection each second, half of the origin's CPU; with three times the room it is a sixth.
 * Not for the gateway, whose memory strangers could fill.
 */
const NODE_FLAGS: Partial<Record<SupervisedRole, string[]>> = { origin: ['--heap-growing-percent=200'] }

/** A role as its supervisor starts it. */
export function specOf<Role extends SupervisedRole>(
  role: Role,
  { data }: Pick<RolePlace, 'data'>,
  options: RoleOptions[Role],
): RoleSpec {
  return {
    ...{ role, options, drainLimit: DRAIN_LIMIT },
    entry: fileURLToPath(new URL('./role-main.js', import.meta.url)),
    nodeFlags: NODE_FLAGS[role] ?? [],
    lock: lockPath(data.root, role),
  }
}

/**
 * What each role of a whole Sluice is told, in order of start. Throws a sentence about a certificate that cannot be shown
 * to anybody.
 */
export function planRoles(inputs: PlanInputs): RoleSpec[] {
  const { ports, identities, data } = inputs
  const controlUrl = urlOf('http', ports.control)
  const originUrl = urlOf('http', ports.origin)
  const ownPorts = Object.values(ports).map(({ port }) => port)
  const { edge, gateway, origin } = identities
  return [
    specOf('control', inputs, {
      ...controlOptions(inputs, inputs, ports.control),
      ownPorts,
      localNodes: [origin, edge, gateway].map(({ id, role, publicJwk }) => ({ id, role, publicJwk })),
      localUrls: urlsOfNodes(inputs),
    }),
    specOf('origin', inputs, {
      ...originOptions(inputs, { identity: origin, storage: inputs.storage }, ports.origin),
      controlUrl,
      // Beside other machines it shows a certificate, or asks other origins with it; alone it needs none.
      ...(isAmongOthers(inputs) && { membershipFile: membershipFile(data, 'origin') }),
    }),
    specOf('edge', inputs, {
      ...{ ...edgeOptions(inputs, edge, ports), controlUrl, originUrl, ownPorts },
      membershipFile: membershipFile(data, 'edge'),
    }),
    specOf('gateway', inputs, { ...gatewayOptions(inputs, gateway, ports), controlUrl, originUrl }),
  ]
}

function isAmongOthers({ configuration, ports }: PlanInputs): boolean {
  return reachOf(ports.control) !== undefined || nodeUrlOf(configuration, ports.origin) !== undefined
}

function urlsOfNodes({ configuration, ports }: PlanInputs): { origin?: string } {
  const origin = nodeUrlOf(configuration, ports.origin)
  return origin === undefined ? {} : { origin }
}

export function controlOptions(
  { configuration, data }: RolePlace,
  {
    adminTokenSha256,
    adminAccessKey,
    databaseUrl,
    keeper,
    storage,
  }: Pick<PlanInputs, 'adminTokenSha256' | 'adminAccessKey' | 'databaseUrl' | 'keeper' | 'storage'>,
  listen: FixedListen,
): RoleOptions['control'] {
  const { domainSuffix, logLevel, allowOrigins } = configuration
  return {
    ...{ listen, dataDir: data.control, localNodes: [], reach: reachOf(listen) },
    ...(databaseUrl !== undefined && { databaseUrl }),
    ...{ storage, domainSuffix, adminTokenSha256, adminAccessKey, keeper, logLevel },
    allowWebhooks: allowOrigins,
  }
}

export function originOptions(
  { configuration, data }: RolePlace,
  { identity, storage }: { identity: NodeIdentity; storage: StorageOptions },
  listen: FixedListen,
): Omit<RoleOptions['origin'], 'controlUrl'> {
  return {
    ...{ listen, identity, url: nodeUrlOf(configuration, listen), logLevel: configuration.logLevel },
    stateDir: data.originState,
    workDir: data.originWork,
    storage,
  }
}

export function edgeOptions(
  { configuration, data, certificates }: RolePlace,
  identity: NodeIdentity,
  ports: Pick<Ports, 'http' | 'https'>,
): Omit<RoleOptions['edge'], 'controlUrl' | 'ownPorts'> {
  configuration.certificates.forEach(checkCertificate)
  const { countryFile } = configuration
  // Here only: a role that is started again lets nobody in where it cannot tell, and serves the rest.
  if (countryFile !== undefined) readCountryFile(countryFile)
  const { memoryCacheBytes, pop, trustedProxies, allowOrigins, logLevel, workers } = configuration
  const { connections, connectionsPerAddress } = configuration
  return {
    http: ports.http,
    https: { listen: ports.https, ...shown(certificates, configuration) },
    connectionCaps: { connections, connectionsPerAddress },
    viewers: viewersOf(configuration, ports),
    identity,
    stateDir: data.edgeState,
    accessLogFolder: data.logs,
    diskCache: planDiskCache(configuration.diskCacheBytes, data.edgeCache),
    workersFolder: lockPath(data.root, 'workers'),
    workers,
    ...{ memoryCacheBytes, pop, trustedProxies, countryFile, allowOrigins, logLevel },
  }
}

export function regionalOptions(
  { configuration, data }: RolePlace,
  identity: NodeIdentity,
  listen: FixedListen,
): Omit<RoleOptions['regional'], 'controlUrl' | 'membershipFile' | 'url' | 'ownPorts'> {
  const { memoryCacheBytes, pop, allowOrigins, logLevel } = configuration
  return {
    ...{ listen, identity, stateDir: data.regionalState },
    diskCache: planDiskCache(configuration.diskCacheBytes, data.regionalCache),
    ...{ memoryCacheBytes, pop, allowOrigins, logLevel },
  }
}

export function gatewayOptions(
  { configuration, data, certificates }: RolePlace,
  identity: NodeIdentity,
  ports: Pick<Ports, 'rtmp' | 'rtmps'>,
): Omit<RoleOptions['gateway'], 'controlUrl'> {
  configuration.certificates.forEach(checkCertificate)
  const { trustedProxies, logLevel } = configuration
  return {
    rtmp: ports.rtmp,
    rtmps: { listen: ports.rtmps, ...shown(certificates, configuration) },
    identity,
    stateDir: data.gatewayState,
    ...{ trustedProxies, logLevel },
  }
}

export function routerOptions(
  { configuration, data, certificates }: RolePlace,
  identity: NodeIdentity,
  ports: Pick<Ports, 'dns' | 'http' | 'https'>,
): Omit<RoleOptions['router'], 'controlUrl' | 'membershipFile'> {
  configuration.certificates.forEach(checkCertificate)
  const { countryFile, nameServers, acmeChallenge, dnsAnswers, trustedProxies, logLevel } = configuration
  if (countryFile !== undefined) readCountryFile(countryFile)
  const { connections, connectionsPerAddress } = configuration
  return {
    ...{ dns: ports.dns, http: ports.http, identity, stateDir: data.routerState },
    https: { listen: ports.https, ...shown(certificates, configuration) },
    connectionCaps: { connections, connectionsPerAddress },
    zone: { name: configuration.domainSuffix, nameServers, challenge: acmeChallenge[0] },
    viewers: viewersOf(configuration, ports),
    ...{ dnsAnswers, countryFile, trustedProxies, logLevel },
  }
}

function shown(
  files: CertificateFiles,
  { certificates }: Configuration,
): CertificatePair & { certificates: readonly CertificatePair[] } {
  return { certificateFile: files.certificate, keyFile: files.key, certificates }
}

/** Here only: a role that is started again leaves such a one out, so that the rest of its names is served. */
function checkCertificate(pair: CertificatePair): void {
  const late = untimely(pair, readCertificate(pair), systemClock.now())
  if (late !== undefined) throw new SluiceError('bad-certificate', late, { side: 'operator', kind: 'usage' })
}
