import { fileURLToPath } from 'node:url'
import { SluiceError, systemClock } from '../core/index.ts'
import { readCertificate, untimely, type CertificatePair } from '../inbound/index.ts'
import type { NodeIdentity } from '../membership/index.ts'
import type { CertificateFiles } from './certificates.ts'
import type { DataFolder } from './data-folder.ts'
import { planDiskCache } from './disk.ts'
import { urlOf } from './listen.ts'
import { lockPath } from './lock.ts'
import { fixPorts, type FixedListen, type PortWish } from './ports.ts'
import { SUPERVISED_ROLES, type RoleOptions, type SupervisedRole } from './roles.ts'
import { SETTINGS, type Configuration } from './settings.ts'
import type { RoleSpec } from './supervisor.ts'

export type PortName = 'http' | 'https' | 'rtmp' | 'rtmps' | 'control' | 'origin' | 'admin'
export type Ports = Record<PortName, FixedListen>

const WHAT: Record<PortName, string> = {
  http: 'viewers, HTTP',
  https: 'viewers, HTTPS',
  rtmp: 'RTMP ingest',
  rtmps: 'RTMPS ingest',
  control: 'control',
  origin: 'origin',
  admin: 'admin',
}

/** The ports that `up` listens on in this version, each with its flag. */
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
    admin: wish('admin'),
  }
}

export function fixAllPorts(configuration: Configuration): Promise<Ports> {
  return fixPorts(portWishes(configuration))
}

/** Of every role that is a node; control is none. */
export type Identities = Record<Exclude<SupervisedRole, 'control'>, NodeIdentity>

export interface PlanInputs {
  configuration: Configuration
  data: DataFolder
  ports: Ports
  certificates: CertificateFiles
  identities: Identities
  adminTokenSha256: string
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

/** What each role is told, in order of start. Throws a sentence about a certificate that cannot be shown to anybody. */
export function planRoles(inputs: PlanInputs): RoleSpec[] {
  inputs.configuration.certificates.forEach(checkCertificate)
  const options = roleOptions(inputs)
  const entry = fileURLToPath(new URL('./role-main.js', import.meta.url))
  const spec = (role: SupervisedRole): RoleSpec => ({
    ...{ role, entry },
    nodeFlags: NODE_FLAGS[role] ?? [],
    options: options[role],
    lock: lockPath(inputs.data.root, role),
    drainLimit: DRAIN_LIMIT,
  })
  return SUPERVISED_ROLES.map(spec)
}

/** Here only: a role that is started again leaves such a one out, so that the rest of its names is served. */
function checkCertificate(pair: CertificatePair): void {
  const late = untimely(pair, readCertificate(pair), systemClock.now())
  if (late !== undefined) throw new SluiceError('bad-certificate', late, { side: 'operator', kind: 'usage' })
}

function roleOptions({
  configuration,
  data,
  ports,
  certificates,
  identities,
  adminTokenSha256,
  databaseUrl,
}: PlanInputs): RoleOptions {
  const { logLevel, domainSuffix, memoryCacheBytes, pop, trustedProxies, allowOrigins } = configuration
  const { workers } = configuration
  const controlUrl = urlOf('http', ports.control)
  const originUrl = urlOf('http', ports.origin)
  const certificate = {
    certificateFile: certificates.certificate,
    keyFile: certificates.key,
    certificates: configuration.certificates,
  }
  const ownPorts = Object.values(ports).map(({ port }) => port)
  const storage = { kind: 'filesystem', folder: data.originStorage } as const
  return {
    control: {
      listen: ports.control,
      dataDir: data.control,
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      localNodes: [identities.origin, identities.edge, identities.gateway].map(({ id, role, publicJwk }) => ({
        id,
        role,
        publicJwk,
      })),
      ...{ storage, domainSuffix, adminTokenSha256, logLevel },
    },
    origin: {
      listen: ports.origin,
      identity: identities.origin,
      stateDir: data.originState,
      workDir: data.originWork,
      ...{ controlUrl, storage, logLevel },
    },
    edge: {
      http: ports.http,
      https: { listen: ports.https, ...certificate },
      connectionCaps: {
        connections: configuration.connections,
        connectionsPerAddress: configuration.connectionsPerAddress,
      },
      identity: identities.edge,
      stateDir: data.edgeState,
      accessLogFolder: data.logs,
      diskCache: planDiskCache(configuration.diskCacheBytes, data.edgeCache),
      workersFolder: lockPath(data.root, 'workers'),
      workers,
      ...{ controlUrl, originUrl, memoryCacheBytes, pop, trustedProxies, allowOrigins, ownPorts, logLevel },
    },
    gateway: {
      rtmp: ports.rtmp,
      rtmps: { listen: ports.rtmps, ...certificate },
      identity: identities.gateway,
      stateDir: data.gatewayState,
      ...{ controlUrl, originUrl, trustedProxies, logLevel },
    },
  }
}
