import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../contract.ts'
import { lambdaHeaders, readLambdaHeaders } from './lambda-headers.ts'
import {
  areVersions,
  customHeaderFault,
  isFrom,
  isHostName,
  isOriginPath,
  isOriginPort,
  numberOf,
  wrongOrigin,
} from './origin-parts.ts'
import { isFields, own, value, type Fields, type Value } from './reading.ts'
import type { SeenOrigin, Unusable } from './seen.ts'

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

const REGION = /^[a-z0-9-]{1,64}$/

/** Undefined where it is as it was. Which addresses may be asked is looked at when a connection is made. */
export function readLambdaOrigin(
  given: Json | undefined,
  was: SeenOrigin | undefined,
): Value<SeenOrigin | undefined> | Unusable {
  if (given === undefined || was === undefined) return value(undefined)
  if (isDeepStrictEqual(given, lambdaOrigin(was))) return value(undefined)
  if (!isFields(given)) return wrongOrigin('that is no object')
  const [custom, s3] = [own(given, 'custom'), own(given, 's3')]
  if (isFields(custom) && s3 === undefined) return readCustom(custom)
  if (isFields(s3) && custom === undefined) return readS3(s3)
  return wrongOrigin('that is neither custom nor s3')
}

function readCustom(given: Fields): Value<SeenOrigin> | Unusable {
  const said = readCommon(given)
  if (said.kind === 'unusable') return said
  const protocol = own(given, 'protocol')
  const port = numberOf(own(given, 'port') ?? (protocol === 'http' ? 80 : 443))
  const readTimeout = numberOf(own(given, 'readTimeout') ?? 30)
  const keepaliveTimeout = numberOf(own(given, 'keepaliveTimeout') ?? 5)
  const versions = own(given, 'sslProtocols') ?? ['TLSv1.2']
  if (protocol !== 'http' && protocol !== 'https')
    return wrongOrigin('whose protocol is neither http nor https')
  if (!isOriginPort(port)) return wrongOrigin('whose port is neither 80, 443 nor from 1024 to 65535')
  if (!isFrom(readTimeout, 4, 60)) return wrongOrigin('whose readTimeout is not from 4 to 60')
  if (!isFrom(keepaliveTimeout, 1, 60)) return wrongOrigin('whose keepaliveTimeout is not from 1 to 60')
  if (!areVersions(versions)) return wrongOrigin('whose sslProtocols are none')
  const sslProtocols = versions
  return value({
    ...{ kind: 'custom', ...said.value, protocol, port, readTimeout, keepaliveTimeout, sslProtocols },
  })
}

function readS3(given: Fields): Value<SeenOrigin> | Unusable {
  const said = readCommon(given)
  if (said.kind === 'unusable') return said
  const [region, authMethod] = [own(given, 'region') ?? 'us-east-1', own(given, 'authMethod') ?? 'none']
  if (typeof region !== 'string' || (region !== '' && !REGION.test(region)))
    return wrongOrigin('whose region is none')
  if (authMethod !== 'none' && authMethod !== 'origin-access-identity')
    return wrongOrigin('whose authMethod is neither none nor origin-access-identity')
  if (!/^[^.]+\../.test(said.value.domainName)) return wrongOrigin('whose bucket is in no store')
  return value({ kind: 's3', ...said.value, region, authMethod })
}

function readCommon(
  given: Fields,
): Value<Pick<SeenOrigin, 'domainName' | 'path' | 'customHeaders'>> | Unusable {
  const [domainName, path] = [own(given, 'domainName'), own(given, 'path') ?? '']
  if (!isHostName(domainName)) return wrongOrigin('whose domainName is no name')
  if (!isOriginPath(path)) return wrongOrigin('whose path has no slash before it, or one behind')
  const headers = readLambdaHeaders(own(given, 'customHeaders') ?? {})
  if (headers.kind === 'unusable') return headers
  return customHeaderFault(headers.value) ?? value({ domainName, path, customHeaders: headers.value })
}
