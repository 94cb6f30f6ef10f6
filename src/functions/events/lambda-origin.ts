import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../contract.ts'
import { headerFault } from './header-rules.ts'
import { lambdaHeaders, readLambdaHeaders } from './lambda-headers.ts'
import { isFields, own, value, type Fields, type Value } from './reading.ts'
import { unusable, type SeenOrigin, type Unusable } from './seen.ts'

export function lambdaOrigin(origin: SeenOrigin): Fields {
  const customHeaders = lambdaHeaders(origin.customHeaders)
  if (origin.kind === 's3') {
    const { domainName, region, path, authMethod } = origin
    return { s3: { domainName, region, path, authMethod, customHeaders } }
  }
  const { domainName, port, protocol, path, readTimeout, keepaliveTimeout, sslProtocols } = origin
  const told: Fields = { domainName, port, protocol, path, readTimeout, keepaliveTimeout }
  return { custom: { ...told, sslProtocols: [...sslProtocols], customHeaders } }
}

const HOST = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.?)*$/
const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*$/
const REGION = /^[a-z0-9-]{1,64}$/
const VERSIONS: ReadonlySet<string> = new Set(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])

/** Undefined where it is as it was. Which addresses may be asked is looked at when a connection is made. */
export function readLambdaOrigin(
  given: Json | undefined,
  was: SeenOrigin | undefined,
): Value<SeenOrigin | undefined> | Unusable {
  if (given === undefined || was === undefined) return value(undefined)
  if (isDeepStrictEqual(given, lambdaOrigin(was))) return value(undefined)
  if (!isFields(given)) return wrong('that is no object')
  const [custom, s3] = [own(given, 'custom'), own(given, 's3')]
  if (isFields(custom) && s3 === undefined) return readCustom(custom)
  if (isFields(s3) && custom === undefined) return readS3(s3)
  return wrong('that is neither custom nor s3')
}

function readCustom(given: Fields): Value<SeenOrigin> | Unusable {
  const said = readCommon(given)
  if (said.kind === 'unusable') return said
  const protocol = own(given, 'protocol')
  const port = numberOf(own(given, 'port') ?? (protocol === 'http' ? 80 : 443))
  const readTimeout = numberOf(own(given, 'readTimeout') ?? 30)
  const keepaliveTimeout = numberOf(own(given, 'keepaliveTimeout') ?? 5)
  const versions = own(given, 'sslProtocols') ?? ['TLSv1.2']
  if (protocol !== 'http' && protocol !== 'https') return wrong('whose protocol is neither http nor https')
  if (port === undefined || !(port === 80 || port === 443 || (port >= 1024 && port <= 65_535)))
    return wrong('whose port is neither 80, 443 nor from 1024 to 65535')
  if (!isFrom(readTimeout, 4, 60)) return wrong('whose readTimeout is not from 4 to 60')
  if (!isFrom(keepaliveTimeout, 1, 60)) return wrong('whose keepaliveTimeout is not from 1 to 60')
  if (!Array.isArray(versions) || !versions.every(each => typeof each === 'string' && VERSIONS.has(each)))
    return wrong('whose sslProtocols are none')
  const sslProtocols = versions as string[] // looked at above
  return value({
    ...{ kind: 'custom', ...said.value, protocol, port, readTimeout, keepaliveTimeout, sslProtocols },
  })
}

function readS3(given: Fields): Value<SeenOrigin> | Unusable {
  const said = readCommon(given)
  if (said.kind === 'unusable') return said
  const [region, authMethod] = [own(given, 'region') ?? 'us-east-1', own(given, 'authMethod') ?? 'none']
  if (typeof region !== 'string' || (region !== '' && !REGION.test(region)))
    return wrong('whose region is none')
  if (authMethod !== 'none' && authMethod !== 'origin-access-identity')
    return wrong('whose authMethod is neither none nor origin-access-identity')
  return value({ kind: 's3', ...said.value, region, authMethod })
}

function readCommon(
  given: Fields,
): Value<Pick<SeenOrigin, 'domainName' | 'path' | 'customHeaders'>> | Unusable {
  const [domainName, path] = [own(given, 'domainName'), own(given, 'path') ?? '']
  if (typeof domainName !== 'string' || !HOST.test(domainName)) return wrong('whose domainName is no name')
  if (typeof path !== 'string' || path.length > 255 || !PATH.test(path))
    return wrong('whose path has no slash before it, or one behind')
  const headers = readLambdaHeaders(own(given, 'customHeaders') ?? {})
  if (headers.kind === 'unusable') return headers
  const fault = headerFault('origin-response', [], headers.value)
  return fault ?? value({ domainName, path, customHeaders: headers.value })
}

function numberOf(given: Json): number | undefined {
  const number = typeof given === 'string' ? Number(given) : given
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined
}

function isFrom(number: number | undefined, least: number, most: number): number is number {
  return number !== undefined && number >= least && number <= most
}

function wrong(what: string): Unusable {
  return unusable('function-result', `it gave an origin ${what}`)
}
