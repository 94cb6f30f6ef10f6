import type { OriginInput } from '../../distribution/index.ts'
import type { Findings } from './findings.ts'
import { itemsOf } from './lists.ts'
import {
  amazonBucket,
  BUILT_IN_DOMAIN,
  STORE_FIELDS,
  storeBucket,
  type Bucket,
  type StoreField,
} from './origin-names.ts'
import type { OriginConfig } from './shapes.ts'

type Custom = NonNullable<OriginConfig['CustomOriginConfig']>

/** An origin as we have it. What it lacks of CloudFront's settings is refused or noticed under the origin's name. */
export function readOrigin(origin: OriginConfig, found: Findings): OriginInput {
  const { Id: id = '', DomainName: domain = '', CustomOriginConfig: custom } = origin
  const place = `Origin ${id}`
  refuseStrange(origin, place, found)
  if ((origin.ResponseCompletionTimeout ?? 0) > 0)
    found.notice(`${place}, ResponseCompletionTimeout`, 'kept, and no answer is cut off by it')
  if (domain.toLowerCase() === BUILT_IN_DOMAIN) return builtIn(origin, place, found)
  if (custom !== undefined) return httpOrigin(origin, custom, place, found)
  if (origin.S3OriginConfig !== undefined) return s3Origin(origin, place, found)
  found.refuse(place, 'give it a CustomOriginConfig or an S3OriginConfig', 'InvalidOrigin')
  return { id, kind: 'built-in' }
}

function refuseStrange(origin: OriginConfig, place: string, found: Findings): void {
  if (origin.VpcOriginConfig !== undefined)
    found.refuse(
      `${place}, VpcOriginConfig`,
      'there are no VPCs here: name the server with CustomOriginConfig',
    )
  if (origin.CustomOriginConfig?.OriginMtlsConfig !== undefined)
    found.refuse(`${place}, OriginMtlsConfig`, 'no certificate of a client is shown to origins: take it out')
  if (origin.S3OriginConfig !== undefined && origin.CustomOriginConfig !== undefined)
    found.refuse(place, 'it has CustomOriginConfig and S3OriginConfig: keep one', 'InvalidOrigin')
}

function builtIn(origin: OriginConfig, place: string, found: Findings): OriginInput {
  if ((origin.OriginPath ?? '') !== '')
    found.refuse(`${place}, OriginPath`, 'the built-in origin has none: leave it empty')
  if (itemsOf(origin.CustomHeaders).length > 0)
    found.refuse(`${place}, CustomHeaders`, 'the built-in origin is told none: take them out')
  if (accessOf(origin, place, found) !== null)
    found.refuse(`${place}, OriginAccessControlId`, 'the built-in origin needs none: take it out')
  return { id: origin.Id ?? '', kind: 'built-in' }
}

const PROTOCOLS = {
  'http-only': { scheme: 'http', protocol: 'as-url' },
  'https-only': { scheme: 'https', protocol: 'as-url' },
  'match-viewer': { scheme: 'https', protocol: 'match-viewer' },
} as const
const PROTOCOL_WORDS: Readonly<Record<string, (typeof PROTOCOLS)[keyof typeof PROTOCOLS]>> = PROTOCOLS

const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/

function httpOrigin(origin: OriginConfig, custom: Custom, place: string, found: Findings): OriginInput {
  const { Id: id = '', DomainName: domain = '', OriginPath: path = '' } = origin
  const at = `${place}, CustomOriginConfig`
  if (!HOST.test(domain))
    found.refuse(`${place}, DomainName`, 'name the host alone, without scheme, port or path', 'InvalidOrigin')
  const { scheme, protocol } = found.oneOf(
    `${at}.OriginProtocolPolicy`,
    custom.OriginProtocolPolicy ?? '',
    PROTOCOL_WORDS,
    PROTOCOLS['https-only'],
  )
  const httpPort = found.within(`${at}.HTTPPort`, custom.HTTPPort ?? 80, [1, 65_535])
  const httpsPort = found.within(`${at}.HTTPSPort`, custom.HTTPSPort ?? 443, [1, 65_535])
  const port = scheme === 'http' ? httpPort : httpsPort
  const shown = protocol === 'match-viewer' || port === (scheme === 'http' ? 80 : 443) ? '' : `:${port}`
  if ((origin.OriginAccessControlId ?? '') !== '')
    found.refuse(
      `${place}, OriginAccessControlId`,
      'requests are signed for buckets only, which S3OriginConfig describes: leave it empty',
      'InvalidOriginAccessControl',
    )
  oldTls(custom, at, protocol === 'match-viewer' || scheme === 'https', found)
  if (custom.IpAddressType !== undefined && custom.IpAddressType !== 'dualstack')
    found.notice(`${at}.IpAddressType`, 'kept; an address of either family that the name has is asked')
  const shield = shieldOf(origin, place, found)
  return {
    id,
    kind: 'http',
    url: `${scheme}://${domain}${shown}${pathOf(path, place, found)}`,
    protocol,
    httpPort,
    httpsPort,
    headers: itemsOf(origin.CustomHeaders).map(({ HeaderName: name = '', HeaderValue: value = '' }) => ({
      name,
      value,
    })),
    attempts: found.within(`${place}, ConnectionAttempts`, origin.ConnectionAttempts ?? 3, [1, 3]),
    connectTimeout: found.within(`${place}, ConnectionTimeout`, origin.ConnectionTimeout ?? 10, [1, 10]),
    responseTimeout: found.within(`${at}.OriginReadTimeout`, custom.OriginReadTimeout ?? 30, [1, 180]),
    keepAlive: found.within(`${at}.OriginKeepaliveTimeout`, custom.OriginKeepaliveTimeout ?? 5, [1, 120]),
    ...(shield !== undefined && { shield }),
  }
}

/** TLS 1.2 and 1.3 are spoken, whatever else is listed; CloudFront speaks 1.3 beside its 1.2, too. */
function oldTls(custom: Custom, at: string, encrypted: boolean, found: Findings): void {
  const versions = itemsOf(custom.OriginSslProtocols)
  for (const version of versions)
    found.oneOf(`${at}.OriginSslProtocols`, version, { SSLv3: 0, TLSv1: 0, 'TLSv1.1': 0, 'TLSv1.2': 0 }, 0)
  if (!encrypted || versions.length === 0) return
  if (!versions.includes('TLSv1.2'))
    found.notice(`${at}.OriginSslProtocols`, 'nothing older than TLS 1.2 is spoken, stricter than listed')
}

function s3Origin(origin: OriginConfig, place: string, found: Findings): OriginInput {
  const { Id: id = '', DomainName: domain = '', OriginPath: path = '' } = origin
  const bucket = bucketOf(origin, domain.toLowerCase(), place, found)
  const { ConnectionAttempts: attempts = 3, ConnectionTimeout: timeout = 10 } = origin
  if (attempts !== 3 || timeout !== 10)
    found.notice(`${place}, ConnectionAttempts and ConnectionTimeout`, 'kept; stores are asked as usual')
  if ((origin.S3OriginConfig?.OriginReadTimeout ?? 30) !== 30)
    found.notice(`${place}, S3OriginConfig.OriginReadTimeout`, 'kept; stores are given 30 s')
  const shield = shieldOf(origin, place, found)
  return {
    id,
    kind: 's3',
    ...bucket,
    path: pathOf(path, place, found),
    access: accessOf(origin, place, found),
    ...(shield !== undefined && { shield }),
  }
}

function bucketOf(
  origin: OriginConfig,
  domain: string,
  place: string,
  found: Findings,
): Bucket | { bucket: string } {
  const fields = storeFields(origin, place, found)
  const amazon = amazonBucket(domain)
  if (amazon !== undefined && fields['Sluice-Store'] === undefined)
    return { ...amazon, ...(fields['Sluice-Region'] !== undefined && { region: fields['Sluice-Region'] }) }
  if (/\.s3-website[.-]/.test(domain)) {
    found.refuse(
      `${place}, DomainName`,
      'a website endpoint is a CustomOriginConfig, not a bucket',
      'InvalidOrigin',
    )
    return { bucket: '' }
  }
  const bucket = storeBucket(domain, fields)
  if (!('problem' in bucket)) return bucket
  found.refuse(`${place}, DomainName`, bucket.problem, 'InvalidOrigin')
  return { bucket: '' }
}

function storeFields(
  origin: OriginConfig,
  place: string,
  found: Findings,
): Partial<Record<StoreField, string>> {
  const fields: Partial<Record<StoreField, string>> = {}
  for (const { HeaderName: name = '', HeaderValue: value = '' } of itemsOf(origin.CustomHeaders)) {
    const known = STORE_FIELDS.find(field => field.toLowerCase() === name.toLowerCase())
    if (known !== undefined) fields[known] = value
    else
      found.refuse(
        `${place}, CustomHeaders`,
        `a store is told no header of its own, so "${name.slice(0, 80)}" cannot be kept: take it out`,
      )
  }
  return fields
}

const IDENTITY = /^origin-access-identity\/cloudfront\/(.+)$/

function accessOf(origin: OriginConfig, place: string, found: Findings): string | null {
  const control = origin.OriginAccessControlId ?? ''
  const identity = origin.S3OriginConfig?.OriginAccessIdentity ?? ''
  if (control !== '' && identity !== '')
    found.refuse(
      place,
      'it has an OriginAccessControlId and an OriginAccessIdentity: keep one',
      'IllegalOriginAccessConfiguration',
    )
  if (control !== '') return control
  if (identity === '') return null
  const [, id] = IDENTITY.exec(identity) ?? []
  if (id === undefined)
    found.refuse(
      `${place}, OriginAccessIdentity`,
      'write it as origin-access-identity/cloudfront/ID',
      'InvalidOriginAccessIdentity',
    )
  return id ?? null
}

function pathOf(path: string, place: string, found: Findings): string {
  if (path === '' || (path.startsWith('/') && !path.endsWith('/'))) return path
  found.refuse(`${place}, OriginPath`, 'begin it with "/" and do not end it so')
  return ''
}

/** The region's name is that of a place of ours. */
function shieldOf(origin: OriginConfig, place: string, found: Findings): string | undefined {
  const { Enabled: enabled = false, OriginShieldRegion: region } = origin.OriginShield ?? {}
  if (!enabled) return undefined
  if (region === undefined || region === '') {
    found.refuse(`${place}, OriginShield`, 'name the place of your regional caches as OriginShieldRegion')
    return undefined
  }
  found.notice(
    `${place}, OriginShieldRegion`,
    `the regional caches of the place "${region}" are asked first where there are any`,
  )
  return region
}
