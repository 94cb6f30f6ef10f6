import type { HttpOrigin, Origin, OriginGroup, S3Origin } from '../../distribution/index.ts'
import { listed } from './lists.ts'
import { BUILT_IN_DOMAIN, nameBucket } from './origin-names.ts'
import type { OriginConfig, OriginGroupConfig } from './shapes.ts'

type Access = (id: string) => 'control' | 'identity'

/** An origin of ours in CloudFront's words, with what CloudFront fills in. Secret values are for the caller to judge. */
export function renderOrigin(origin: Origin, access: Access): OriginConfig {
  switch (origin.kind) {
    case 'built-in':
      return {
        ...common(origin.id, BUILT_IN_DOMAIN),
        CustomOriginConfig: customDefaults('http-only', 80, 443),
      }
    case 'http':
      return renderHttp(origin)
    case 's3':
      return renderS3(origin, access)
  }
}

function common(id: string, domain: string, path = ''): OriginConfig {
  return {
    Id: id,
    DomainName: domain,
    OriginPath: path,
    CustomHeaders: { Quantity: 0 },
    ConnectionAttempts: 3,
    ConnectionTimeout: 10,
    OriginShield: { Enabled: false },
    OriginAccessControlId: '',
  }
}

function customDefaults(
  policy: 'http-only' | 'https-only' | 'match-viewer',
  http: number,
  https: number,
): NonNullable<OriginConfig['CustomOriginConfig']> {
  return {
    HTTPPort: http,
    HTTPSPort: https,
    OriginProtocolPolicy: policy,
    OriginSslProtocols: { Quantity: 1, Items: ['TLSv1.2'] },
    OriginReadTimeout: 30,
    OriginKeepaliveTimeout: 5,
  }
}

function renderHttp(origin: HttpOrigin): OriginConfig {
  const { hostname, port, protocol, pathname } = new URL(origin.url)
  const scheme = protocol === 'https:' ? 'https' : 'http'
  const own = (each: 'http' | 'https'): number | undefined =>
    origin.protocol === 'as-url' && scheme === each ? Number(port || (each === 'http' ? 80 : 443)) : undefined
  const [http, https] = [own('http') ?? origin.httpPort, own('https') ?? origin.httpsPort]
  const policy = origin.protocol === 'match-viewer' ? 'match-viewer' : (`${scheme}-only` as const)
  return {
    ...common(origin.id, hostname, pathname.replace(/\/+$/, '')),
    CustomHeaders: listed(
      origin.headers.map(({ name, value }) => ({ HeaderName: name, HeaderValue: value })),
    ),
    ConnectionAttempts: origin.attempts,
    ConnectionTimeout: origin.connectTimeout,
    OriginShield: renderShield(origin.shield),
    CustomOriginConfig: {
      ...customDefaults(policy, http, https),
      OriginReadTimeout: origin.responseTimeout,
      OriginKeepaliveTimeout: origin.keepAlive,
    },
  }
}

function renderS3(origin: S3Origin, access: Access): OriginConfig {
  const { domain, fields } = nameBucket(origin)
  const identity = origin.access !== null && access(origin.access) === 'identity'
  return {
    ...common(origin.id, domain, origin.path),
    CustomHeaders: listed(fields.map(([HeaderName, HeaderValue]) => ({ HeaderName, HeaderValue }))),
    OriginShield: renderShield(origin.shield),
    OriginAccessControlId: identity ? '' : (origin.access ?? ''),
    S3OriginConfig: {
      OriginAccessIdentity: identity ? `origin-access-identity/cloudfront/${origin.access}` : '',
    },
  }
}

function renderShield(place: string | undefined): NonNullable<OriginConfig['OriginShield']> {
  return place === undefined ? { Enabled: false } : { Enabled: true, OriginShieldRegion: place }
}

export function renderOriginGroup({ id, members, statuses }: OriginGroup): OriginGroupConfig {
  return {
    Id: id,
    FailoverCriteria: { StatusCodes: { Quantity: statuses.length, Items: statuses } },
    Members: { Quantity: members.length, Items: members.map(OriginId => ({ OriginId })) },
  }
}
