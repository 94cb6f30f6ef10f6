import type { HttpOrigin, Origin, OriginAccess, S3Origin } from '../../distribution/index.ts'
import type { SeenOrigin } from '../../functions/index.ts'
import { fields } from '../../http/index.ts'
import { bucketUrl } from '../upstream/origin-bucket.ts'
import { serverOf } from '../upstream/origin-request.ts'

/** An origin as CloudFront's events tell of one. Ours is a custom one under the distribution's own name. */
export function seenOrigin(
  origin: Origin,
  { scheme, domain }: { scheme: 'http' | 'https' | undefined; domain: string },
): SeenOrigin {
  switch (origin.kind) {
    case 'built-in':
      return custom({ url: `http://${domain}`, path: '', read: 30, kept: 5, headers: [] })
    case 'http': {
      const { responseTimeout: read, keepAlive: kept, headers } = origin
      const path = new URL(origin.url).pathname.replace(/\/$/, '')
      const told = headers.flatMap(({ name, value }) => [name, value])
      const url = serverOf(origin, scheme)
      return { ...custom({ url, path, read, kept, headers: told }), ...protocolsOf(origin) }
    }
    case 's3': {
      const { host } = new URL(bucketUrl(origin))
      const domainName = origin.addressing === 'host' ? host : `${origin.bucket}.${host}`
      const authMethod = origin.access === null ? 'none' : 'origin-access-identity'
      const { region, path } = origin
      return { kind: 's3', domainName, region, path, authMethod, customHeaders: [] }
    }
    default:
      return origin satisfies never
  }
}

function custom(of: {
  url: string
  path: string
  read: number
  kept: number
  headers: readonly string[]
}): SeenOrigin & { kind: 'custom' } {
  const { protocol, hostname, port } = new URL(of.url)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  return {
    ...{ kind: 'custom', domainName: hostname, path: of.path, protocol: scheme },
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    ...{ readTimeout: of.read, keepaliveTimeout: of.kept, sslProtocols: ['TLSv1.2'] },
    customHeaders: of.headers,
  }
}

function protocolsOf({ tls = ['1.2'] }: HttpOrigin): { sslProtocols: string[] } {
  return { sslProtocols: tls.map(version => `TLSv${version}`) }
}

/** Where a question goes that a function has sent elsewhere. The guard looks at its addresses as at any other's. */
export function givenOrigin(
  given: SeenOrigin,
  was: { origin: Origin; access: OriginAccess | undefined },
): { origin: Origin; access: OriginAccess | undefined } {
  return given.kind === 'custom'
    ? { origin: serverFor(given, was.origin), access: undefined }
    : bucketFor(given, was)
}

function serverFor(given: SeenOrigin & { kind: 'custom' }, was: Origin): HttpOrigin {
  const { protocol, domainName, port, path, readTimeout, keepaliveTimeout, sslProtocols } = given
  const tls = (['1.2', '1.3'] as const).filter(version => sslProtocols.includes(`TLSv${version}`))
  return {
    ...{ kind: 'http', id: was.id, url: `${protocol}://${domainName}:${port}${path}` },
    headers: headersOf(given),
    ...{ protocol: 'as-url', httpPort: 80, httpsPort: 443, attempts: 3, connectTimeout: 10 },
    ...{ responseTimeout: readTimeout, keepAlive: keepaliveTimeout },
    ...(tls.length > 0 && { tls }),
  }
}

function headersOf({ customHeaders }: SeenOrigin): HttpOrigin['headers'] {
  return [...fields(customHeaders)].map(([name, value]) => ({ name, value }))
}

/** The bucket's own store and access where it is told of it alone; another store is asked without any. */
function bucketFor(
  given: SeenOrigin & { kind: 's3' },
  { origin: was, access }: { origin: Origin; access: OriginAccess | undefined },
): { origin: Origin; access: OriginAccess | undefined } {
  const { domainName, region, path, authMethod } = given
  const seen = seenOrigin(was, { scheme: undefined, domain: 'cdn' })
  if (was.kind === 's3' && seen.domainName === domainName) {
    const isOpen = authMethod === 'none'
    const same: S3Origin = { ...was, path, ...(isOpen && { access: null }) }
    return { origin: same, access: isOpen ? undefined : access }
  }
  const [bucket = '', ...store] = domainName.split('.')
  const origin: S3Origin = {
    ...{ kind: 's3', id: was.id, endpoint: `https://${store.join('.')}`, bucket, path },
    ...{ region: region === '' ? 'us-east-1' : region, addressing: 'host', access: null },
  }
  return { origin, access: undefined }
}
