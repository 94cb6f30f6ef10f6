import { FAILOVER_STATUSES } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'
import type { Json, OriginChange } from '../contract.ts'
import { titled } from './header-rules.ts'
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
import type { Unusable } from './seen.ts'

/** What `updateRequestOrigin` says; what is left out stays as the assigned origin has it. */
export interface OriginUpdate {
  domainName?: string
  path?: string
  headers?: FlatHeaders
  /** Told in place of the server's own name. */
  host?: string
  attempts?: number
  /** Seconds. */
  readTimeout?: number
  keepAlive?: number
  connectTimeout?: number
  custom?: { protocol: 'http' | 'https'; port: number; versions: readonly string[] }
  /** A place, or none. */
  shield?: string | undefined
  /** Whether it is to be signed for. */
  signed?: boolean
}

/** What a function wants of the origin, read. Whether there are such origins is for the distribution to say. */
export type WantedOrigin =
  | { kind: 'update'; update: OriginUpdate }
  | { kind: 'select'; id: string }
  | { kind: 'group'; members: readonly [string, string]; statuses: readonly number[] }

export function readOriginChange(change: OriginChange): WantedOrigin | Unusable {
  switch (change.kind) {
    case 'update':
      return readUpdate(change.with)
    case 'select':
      return { kind: 'select', id: change.originId }
    case 'group':
      return readGroup(change.with)
    default:
      return change satisfies never
  }
}

/** What there is no place for here; left unheeded it would be asked for something else than was meant. */
const NOT_HERE = ['sni', 'allowedCertificateNames', 'originOverrides']

function notHere(given: Fields): Unusable | undefined {
  const named = NOT_HERE.find(name => own(given, name) !== undefined)
  return named === undefined ? undefined : wrongOrigin(`with ${named}, which there is not here`)
}

function readUpdate(given: Fields): WantedOrigin | Unusable {
  const update: OriginUpdate = {}
  for (const read of [readPlace, readHeaders, readTimes, readServer, readShield, readSigning]) {
    const part = read(given)
    if (part.kind === 'unusable') return part
    Object.assign(update, part.value)
  }
  return notHere(given) ?? { kind: 'update', update }
}

type Part = Value<Partial<OriginUpdate>> | Unusable

function readPlace(given: Fields): Part {
  const [domainName, path, host] = [
    own(given, 'domainName'),
    own(given, 'originPath'),
    own(given, 'hostHeader'),
  ]
  if (domainName !== undefined && !isHostName(domainName)) return wrongOrigin('whose domainName is no name')
  if (host !== undefined && !isHostName(host)) return wrongOrigin('whose hostHeader is no name')
  if (path !== undefined && !isOriginPath(path))
    return wrongOrigin('whose originPath has no slash before it, or one behind')
  return value({
    ...(domainName !== undefined && { domainName }),
    ...(path !== undefined && { path }),
    ...(host !== undefined && { host }),
  })
}

function readHeaders(given: Fields): Part {
  const named = own(given, 'customHeaders')
  if (named === undefined) return value({})
  if (!isFields(named)) return wrongOrigin('whose customHeaders are no object')
  const headers: string[] = []
  for (const [name, text] of Object.entries(named)) {
    if (typeof text !== 'string') return wrongOrigin('with a custom header whose value is no text')
    headers.push(titled(name), text)
  }
  return customHeaderFault(headers) ?? value({ headers })
}

function readTimes(given: Fields): Part {
  const times = own(given, 'timeouts') ?? {}
  if (!isFields(times)) return wrongOrigin('whose timeouts are no object')
  const read: Partial<OriginUpdate> = {}
  const asked = [
    ['attempts', 3, given, 'connectionAttempts'],
    ['readTimeout', 120, times, 'readTimeout'],
    ['keepAlive', 120, times, 'keepAliveTimeout'],
    ['connectTimeout', 10, times, 'connectionTimeout'],
  ] as const
  for (const [name, most, where, called] of asked) {
    const said = own(where, called)
    if (said === undefined) continue
    const number = numberOf(said)
    if (!isFrom(number, 1, most)) return wrongOrigin(`whose ${called} is not from 1 to ${most}`)
    read[name] = number
  }
  return value(read)
}

function readServer(given: Fields): Part {
  const server = own(given, 'customOriginConfig')
  if (server === undefined) return value({})
  if (!isFields(server)) return wrongOrigin('whose customOriginConfig is no object')
  const protocol = own(server, 'protocol')
  const port = numberOf(own(server, 'port') ?? null)
  const versions = own(server, 'sslProtocols') ?? []
  if (protocol !== 'http' && protocol !== 'https')
    return wrongOrigin('whose protocol is neither http nor https')
  if (!isOriginPort(port)) return wrongOrigin('whose port is neither 80, 443 nor from 1024 to 65535')
  if (!areVersions(versions)) return wrongOrigin('whose sslProtocols are none')
  return value({ custom: { protocol, port, versions } })
}

function readShield(given: Fields): Part {
  const shield = own(given, 'originShield')
  if (shield === undefined) return value({})
  if (!isFields(shield)) return wrongOrigin('whose originShield is no object')
  if (own(shield, 'enabled') !== true) return value({ shield: undefined })
  const region = own(shield, 'region')
  if (typeof region !== 'string') return wrongOrigin('with a shield that has no region')
  return value({ shield: region })
}

function readSigning(given: Fields): Part {
  const access = own(given, 'originAccessControlConfig')
  if (access === undefined) return value({})
  if (!isFields(access)) return wrongOrigin('whose originAccessControlConfig is no object')
  return value({ signed: own(access, 'enabled') === true && own(access, 'signingBehavior') !== 'never' })
}

function readGroup(given: Fields): WantedOrigin | Unusable {
  const [ids, criteria] = [own(given, 'originIds'), own(given, 'failoverCriteria')]
  const codes = isFields(criteria) ? own(criteria, 'statusCodes') : undefined
  if (!Array.isArray(ids) || !Array.isArray(codes)) return wrongOrigin('group without members or statuses')
  const way = own(given, 'selectionCriteria') ?? 'default'
  if (way !== 'default') return wrongOrigin('group with selectionCriteria other than default')
  const members: string[] = []
  for (const each of ids) {
    const fault = isFields(each) ? notHere(each) : undefined
    if (fault !== undefined) return fault
    const id = isFields(each) ? own(each, 'originId') : each
    if (typeof id === 'string') members.push(id)
  }
  const [first, second] = members
  if (first === undefined || second === undefined || first === second || ids.length !== 2)
    return wrongOrigin('group whose members are not two')
  const statuses = FAILOVER_STATUSES.filter(status => codes.includes(status))
  if (statuses.length === 0 || statuses.length !== new Set(codes).size)
    return wrongOrigin(`group that fails over on others than ${FAILOVER_STATUSES.join(', ')}`)
  return { kind: 'group', members: [first, second], statuses }
}

/** The same as a node is told it by another: what `JSON` makes of an `OriginChange`. Undefined when it is none. */
export function asOriginChange(told: Json | undefined): OriginChange | undefined {
  if (!isFields(told)) return undefined
  const [kind, id, properties] = [own(told, 'kind'), own(told, 'originId'), own(told, 'with')]
  if (kind === 'select' && typeof id === 'string') return { kind, originId: id }
  return (kind === 'update' || kind === 'group') && isFields(properties)
    ? { kind, with: properties }
    : undefined
}
