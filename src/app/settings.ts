import { BlockList, isIP } from 'node:net'
import { resolve } from 'node:path'
import { formatBytes, parseBytes, Type, type Bytes, type Listen, type TSchema } from '../core/index.ts'
import type { CertificatePair } from '../inbound/index.ts'
import type { LogLevel } from '../telemetry/index.ts'
import { parseListen, type Reach } from './listen.ts'
import { availableMemory, defaultMemoryCache } from './memory.ts'
import { readNodeUrl } from './node-url.ts'
import { ROUTING_SETTINGS } from './routing-settings.ts'
import { readEndpoint, readPathStyle, readRegion, readStorage } from './storage-setting.ts'

/** What a setting's text means; `why` completes "… is not valid: ", without the text where that may hold a key: `hidden`. */
export type Reading<T> = { kind: 'ok'; value: T } | { kind: 'bad'; why: string; hidden?: boolean }

/** One thing that can be set. The table below is validation, command line, environment, documentation at once. */
export interface Setting<T> {
  /** Its place in sluice.yaml: `http`, `origins.allow`. */
  key: string
  flag: string
  env: string
  /** As somebody would write it. */
  default: string
  description: string
  /** What sluice.yaml may hold there. */
  schema: TSchema
  /** `folder` is what a relative path is relative to. */
  read(text: string, folder: string): Reading<T>
}

const Text = Type.String()
const Port = Type.Union([Type.Integer({ minimum: 0, maximum: 65_535 }), Type.String()])
const Texts = Type.Union([Type.String(), Type.Array(Type.String())])
const Pairs = Type.Union([
  Type.String(),
  Type.Array(
    Type.Union([
      Type.String(),
      Type.Object(
        { name: Type.Optional(Type.String()), certificate: Type.String(), key: Type.String() },
        { additionalProperties: false },
      ),
    ]),
  ),
])

function listen(name: string, env: string, port: number, reach: Reach, description: string): Setting<Listen> {
  return {
    key: name,
    flag: `--${name}`,
    env,
    default: String(port),
    description: `${description}; port or host:port, ${reach === 'everywhere' ? 'all interfaces' : 'loopback'} when the host is left out, 0 for any free port`,
    schema: Port,
    read(text) {
      const result = parseListen(text, reach)
      return result.kind === 'ok' ? { kind: 'ok', value: result.listen } : result
    },
  }
}

function ranges(key: string, flag: string, env: string, description: string): Setting<string[]> {
  return { key, flag, env, default: '', description, schema: Texts, read: readRanges }
}

function count(
  key: string,
  flag: string,
  env: string,
  standard: number,
  { description }: { description: string },
): Setting<number> {
  return {
    ...{ key, flag, env, description },
    default: String(standard),
    schema: Type.Union([Type.Integer({ minimum: 1 }), Type.String()]),
    read: text =>
      /^[1-9]\d{0,6}$/.test(text)
        ? { kind: 'ok', value: Number(text) }
        : { kind: 'bad', why: 'write a number from 1 to 9999999' },
  }
}

/** Every setting of `sluice up`, in the order in which people meet them. */
export const SETTINGS = {
  data: {
    key: 'data',
    flag: '--data',
    env: 'SLUICE_DATA',
    default: '.sluice',
    description: 'the folder that holds everything Sluice keeps',
    schema: Text,
    read: (text: string, folder: string): Reading<string> =>
      text === '' ? { kind: 'bad', why: 'name a folder' } : { kind: 'ok', value: resolve(folder, text) },
  },
  http: listen('http', 'SLUICE_HTTP', 8080, 'everywhere', 'viewers, HTTP/1.1'),
  https: listen('https', 'SLUICE_HTTPS', 8443, 'everywhere', 'viewers, HTTPS (HTTP/2 and 1.1)'),
  rtmp: listen('rtmp', 'SLUICE_RTMP', 1935, 'everywhere', 'RTMP ingest'),
  rtmps: listen('rtmps', 'SLUICE_RTMPS', 1936, 'everywhere', 'RTMPS ingest'),
  control: listen('control', 'SLUICE_CONTROL_LISTEN', 9000, 'loopback', 'the control APIs'),
  origin: listen('origin', 'SLUICE_ORIGIN', 9001, 'loopback', 'the origin, for nodes only'),
  regional: listen('regional', 'SLUICE_REGIONAL', 9002, 'loopback', 'the regional cache, for nodes only'),
  dns: listen('dns', 'SLUICE_DNS', 8053, 'everywhere', 'the name server of a router, UDP and TCP'),
  admin: listen('admin', 'SLUICE_ADMIN', 9100, 'loopback', '/livez, /readyz and /metrics'),
  allowOrigins: ranges(
    'origins.allow',
    '--allow-origin',
    'SLUICE_ALLOW_ORIGIN',
    'address ranges (CIDR) of origins that may be on loopback',
  ),
  trustedProxies: ranges(
    'trustedProxies',
    '--trusted-proxies',
    'SLUICE_TRUSTED_PROXIES',
    'address ranges (CIDR) of proxies whose X-Forwarded-* headers and PROXY protocol count',
  ),
  certificates: {
    key: 'certificates',
    flag: '--certificate',
    env: 'SLUICE_CERTIFICATES',
    default: '',
    description:
      'certificates of your own names, as CERTIFICATE.pem:KEY.pem; each is shown to who asks for a name that stands in it, or of a distribution that names it (NAME=CERTIFICATE.pem:KEY.pem, or by its file)',
    schema: Pairs,
    read: readPairs,
  },
  countryFile: {
    ...{ key: 'geo.file', flag: '--country-file', env: 'SLUICE_COUNTRY_FILE', default: '', schema: Text },
    description:
      'a file that says in which country addresses are, a MaxMind DB or lines of network,country; read again when it changes',
    read: (text, folder) => ({ kind: 'ok', value: text === '' ? undefined : resolve(folder, text) }),
  } satisfies Setting<string | undefined>,
  connections: count('limits.connections', '--connections', 'SLUICE_CONNECTIONS', 20_000, {
    description: 'connections of viewers at once, at each process that serves them',
  }),
  connectionsPerAddress: count(
    'limits.connectionsPerAddress',
    '--connections-per-address',
    'SLUICE_CONNECTIONS_PER_ADDRESS',
    1000,
    {
      description:
        'of these, connections of one IPv4 address or IPv6 /64; this machine and trusted proxies are not counted',
    },
  ),
  domainSuffix: {
    key: 'domainSuffix',
    flag: '--domain-suffix',
    env: 'SLUICE_DOMAIN_SUFFIX',
    default: 'cdn.localhost',
    description: "the end of each distribution's name",
    schema: Text,
    read: readDomain,
  },
  memoryCacheBytes: {
    key: 'cache.memory',
    flag: '--memory-cache',
    env: 'SLUICE_MEMORY_CACHE',
    get default(): string {
      return formatBytes(defaultMemoryCache(availableMemory()))
    },
    description: 'memory for the cache of an edge, such as 512MiB; a tenth of the memory when it is left out',
    schema: Port,
    read: readSize,
  },
  diskCacheBytes: {
    key: 'cache.disk',
    flag: '--disk-cache',
    env: 'SLUICE_DISK_CACHE',
    default: 'auto',
    description:
      'disk for the cache of an edge, such as 50GiB, or 0 for none; auto is 10 GiB, or a fifth of what is free where that is less',
    schema: Port,
    read: readDiskSize,
  },
  workers: {
    key: 'edge.workers',
    flag: '--edge-workers',
    env: 'SLUICE_EDGE_WORKERS',
    default: '1',
    description: 'processes of an edge that serve viewers, 1 to 64; one moves some 3 GB a second',
    schema: Port,
    read: readWorkers,
  },
  storage: {
    ...{ key: 'storage.url', flag: '--storage', env: 'SLUICE_STORAGE', default: '', schema: Text },
    description:
      'the bucket that holds uploads and media, as s3://BUCKET or s3://BUCKET/FOLDER; the data folder without it',
    read: readStorage,
  },
  storageEndpoint: {
    ...{ key: 'storage.endpoint', flag: '--storage-endpoint', env: 'SLUICE_STORAGE_ENDPOINT' },
    ...{ default: '', schema: Text },
    description: "the URL of the bucket's store; Amazon's own without it",
    read: readEndpoint,
  },
  storageRegion: {
    ...{ key: 'storage.region', flag: '--storage-region', env: 'SLUICE_STORAGE_REGION' },
    ...{ default: 'us-east-1', schema: Text },
    description: 'the region of the bucket, which stands in signatures',
    read: readRegion,
  },
  storagePathStyle: {
    ...{ key: 'storage.pathStyle', flag: '--storage-path-style', env: 'SLUICE_STORAGE_PATH_STYLE' },
    ...{ default: 'auto', schema: Type.Union([Type.Boolean(), Type.String()]) },
    description:
      'whether the bucket stands in the path (yes) or before the host name (no); auto is yes where there is an endpoint',
    read: readPathStyle,
  },
  nodeUrl: {
    ...{ key: 'nodeUrl', flag: '--node-url', env: 'SLUICE_NODE_URL', default: '', schema: Text },
    description:
      'where other nodes reach the origin of this machine, as https://HOST:PORT; the address that it listens at without it',
    read: readNodeUrl,
  },
  pop: {
    key: 'pop',
    flag: '--pop',
    env: 'SLUICE_POP',
    default: 'local',
    description: 'the name of this place in X-Sluice-Pop',
    schema: Text,
    read: readPop,
  },
  ...ROUTING_SETTINGS,
  logLevel: {
    key: 'logLevel',
    flag: '--log-level',
    env: 'SLUICE_LOG_LEVEL',
    default: 'info',
    description: 'the least important event in the logs: debug, info, warn or error',
    schema: Text,
    read: readLevel,
  },
} satisfies Record<string, Setting<unknown>>

export type SettingName = keyof typeof SETTINGS

type ValueOf<S> = S extends Setting<infer T> ? T : never

/** Everything that `sluice up` is told, checked. */
export type Configuration = { [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> }

function readRanges(text: string): Reading<string[]> {
  const parts = text.split(',').map(part => part.trim())
  const found = parts.filter(part => part !== '')
  const wrong = found.find(part => !isRange(part))
  if (wrong !== undefined)
    return { kind: 'bad', why: `"${wrong}" is no address range, write 10.0.0.0/8 or ::1/128` }
  return { kind: 'ok', value: found }
}

function readPairs(text: string, folder: string): Reading<CertificatePair[]> {
  const found: CertificatePair[] = []
  for (const part of text.split(',').map(each => each.trim())) {
    if (part === '') continue
    const [, name, files = ''] = /^(?:([A-Za-z0-9][\w.-]{0,127})=)?(.*)$/s.exec(part) ?? []
    const [certificate = '', key = '', ...rest] = files.split(':')
    if (certificate === '' || key === '' || rest.length > 0) {
      return { kind: 'bad', why: `"${part}" is no pair, write CERTIFICATE.pem:KEY.pem` }
    }
    found.push({
      certificateFile: resolve(folder, certificate),
      keyFile: resolve(folder, key),
      ...(name !== undefined && { name }),
    })
  }
  return { kind: 'ok', value: found }
}

function isRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  if (bits === undefined) return true
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false
  new BlockList().addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return true
}

function readDomain(text: string): Reading<string> {
  const name = text.toLowerCase().replace(/^\./, '')
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
  if (name.length > 230 || !new RegExp(`^${label}(?:\\.${label})*$`).test(name)) {
    return { kind: 'bad', why: 'write a domain such as cdn.example.com' }
  }
  return { kind: 'ok', value: name }
}

function readSize(text: string): Reading<Bytes> {
  const size = parseBytes(text)
  return size === undefined || size <= 0
    ? { kind: 'bad', why: 'write a size such as 512MiB or 2GiB' }
    : { kind: 'ok', value: size }
}

function readDiskSize(text: string): Reading<Bytes | 'auto'> {
  if (text === 'auto') return { kind: 'ok', value: 'auto' }
  const size = parseBytes(text)
  return size === undefined
    ? { kind: 'bad', why: 'write a size such as 50GiB, 0, or auto' }
    : { kind: 'ok', value: size }
}

function readWorkers(text: string): Reading<number> {
  const count = /^\d{1,2}$/.test(text.trim()) ? Number(text) : 0
  return count >= 1 && count <= 64
    ? { kind: 'ok', value: count }
    : { kind: 'bad', why: 'use a number from 1 to 64' }
}

function readPop(text: string): Reading<string> {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(text)
    ? { kind: 'ok', value: text }
    : { kind: 'bad', why: 'use at most 32 letters, digits and "-"' }
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

function readLevel(text: string): Reading<LogLevel> {
  const level = LEVELS.find(each => each === text)
  return level === undefined
    ? { kind: 'bad', why: `use one of ${LEVELS.join(', ')}` }
    : { kind: 'ok', value: level }
}
