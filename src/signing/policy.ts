import { instant, epochSeconds, type Instant } from '../core/index.ts'
import { parseCidr, type Cidr } from './address.ts'
import { LARGEST_POLICY, statementText, type StatementTerms } from './policy-text.ts'
import { compileResource, EVERYTHING, type Resource } from './resource.ts'
import { readStrictJson, type Json, type JsonObject } from './strict-json.ts'
import type { WithoutResource } from './trusted-keys.ts'

/** What somebody with a private key has promised: who may do what, from when, until when, from where. */
export interface Policy {
  readonly resource: Resource
  /** What it allows; empty when action and resource contradict each other. */
  readonly opens: readonly Action[]
  /** Allowed before this instant (`DateLessThan`). */
  readonly expires: Instant
  /** Allowed after this instant (`DateGreaterThan`). */
  readonly notBefore?: Instant
  readonly address?: Cidr
}

/** What a request wants: to read over HTTP, or to send a live stream over RTMP. */
export type Action = 'view' | 'publish'

export type PolicyResult = { kind: 'policy'; policy: Policy } | { kind: 'bad'; why: string }

/** `Action` is an extension; `play` is what viewers do. */
const ACTIONS = new Map<Json, Action>([
  ['play', 'view'],
  ['publish', 'publish'],
])

/** Beyond 11 digits somebody has written milliseconds. */
const LATEST = 99_999_999_999

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })

class BadPolicy extends Error {}

export interface PolicyOptions {
  /** Whether a policy without `Resource` is one, which then opens everything to view; `refuse` unless a key group asks. */
  withoutResource?: WithoutResource
}

/** Reads the bytes that were signed. Whatever it does not know it refuses: an ignored condition would open too much. */
export function parsePolicy(bytes: Uint8Array, options: PolicyOptions = {}): PolicyResult {
  if (bytes.byteLength > LARGEST_POLICY) return bad(`the policy has more than ${LARGEST_POLICY} bytes`)
  const json = readStrictJson(decodeUtf8(bytes))
  if (json.kind === 'bad') return bad(`the policy is not JSON: ${json.why}`)
  try {
    return { kind: 'policy', policy: readPolicy(json.value, options) }
  } catch (error) {
    if (error instanceof BadPolicy) return bad(error.message)
    throw error
  }
}

/** The one line that stands for `Expires`; every byte of it is signed (CloudFront, "Canned policy"). */
export function cannedPolicy(resource: string, expires: Instant): string {
  return policyText({ resource, expires })
}

export interface PolicyTerms {
  resource: string
  expires: Instant
  notBefore?: Instant
  /** CIDR. */
  address?: string
}

/** The bytes that AWS's tools and ours write for these terms. */
export function policyText(terms: PolicyTerms): string {
  return statementText(inSeconds(terms))
}

/** Policies count whole seconds. */
export function inSeconds({ expires, notBefore, ...others }: PolicyTerms): StatementTerms {
  return {
    ...others,
    expires: epochSeconds(expires),
    ...(notBefore === undefined ? {} : { notBefore: epochSeconds(notBefore) }),
  }
}

/** What a policy opens: an RTMP resource never opens HTTP, and nothing else ever publishes (SEAMS 8). */
export function actionsOf(resource: Resource, asked?: readonly Action[]): Action[] {
  const live = resource.scheme === 'rtmp' || resource.scheme === 'rtmps' || resource.scheme === 'bare'
  if (asked === undefined) return [live ? 'publish' : 'view']
  return asked.filter(action => (action === 'publish') === live)
}

function readPolicy(value: Json, options: PolicyOptions): Policy {
  const root = object(value, 'the policy', ['Statement'])
  const statements = root.get('Statement')
  // CloudFront's pages show an array of one and a bare object; signers send both.
  const list = Array.isArray(statements) ? statements : [statements ?? null]
  if (list.length !== 1)
    throw new BadPolicy(`a policy has exactly one statement, this one has ${list.length}`)
  const statement = object(list[0] ?? null, 'Statement', ['Resource', 'Condition', 'Action'])
  const resource = readResource(statement.get('Resource'), options)
  const asked = statement.has('Action') ? readActions(statement.get('Action') ?? null) : undefined
  return {
    resource,
    opens: actionsOf(resource, asked),
    ...readConditions(statement.get('Condition') ?? null),
  }
}

function readResource(text: Json | undefined, { withoutResource }: PolicyOptions): Resource {
  if (text === undefined) {
    if (withoutResource === 'accept') return EVERYTHING
    throw new BadPolicy('the policy has no Resource, which would open everything')
  }
  if (typeof text !== 'string' || text === '') throw new BadPolicy('Resource is not a text')
  return compileResource(text)
}

function readConditions(value: Json): Pick<Policy, 'expires' | 'notBefore' | 'address'> {
  const condition = object(value, 'Condition', ['DateLessThan', 'DateGreaterThan', 'IpAddress'])
  const from = condition.get('DateGreaterThan')
  const range = condition.get('IpAddress')
  return {
    expires: readTime(condition.get('DateLessThan') ?? null, 'DateLessThan'),
    ...(from === undefined ? {} : { notBefore: readTime(from, 'DateGreaterThan') }),
    ...(range === undefined ? {} : { address: readRange(range) }),
  }
}

function readTime(value: Json, name: string): Instant {
  const seconds = object(value, name, ['AWS:EpochTime']).get('AWS:EpochTime')
  if (typeof seconds !== 'number' || !Number.isInteger(seconds) || seconds < 0 || seconds > LATEST) {
    throw new BadPolicy(`${name} is not a whole number of seconds since 1970`)
  }
  return instant(seconds * 1000)
}

function readRange(value: Json): Cidr {
  const text = object(value, 'IpAddress', ['AWS:SourceIp']).get('AWS:SourceIp')
  const cidr = typeof text === 'string' ? parseCidr(text) : undefined
  if (cidr === undefined) throw new BadPolicy('IpAddress is not one range such as 192.0.2.0/24')
  return cidr
}

function readActions(value: Json): Action[] {
  const named = Array.isArray(value) ? value : [value]
  const actions = named.flatMap(name => ACTIONS.get(name) ?? [])
  if (actions.length === 0 || actions.length < named.length) {
    throw new BadPolicy('Action is neither "play" nor "publish"')
  }
  return actions
}

function object(value: Json, what: string, known: readonly string[]): JsonObject {
  if (!(value instanceof Map)) throw new BadPolicy(`${what} is missing or not an object`)
  const fields: JsonObject = value
  for (const name of fields.keys()) {
    if (!known.includes(name))
      throw new BadPolicy(`${what} has a field that is not known here: "${name.slice(0, 64)}"`)
  }
  return fields
}

/** A byte order mark stays and fails as JSON; broken UTF-8 becomes U+FFFD, which can be in no URL. */
function decodeUtf8(bytes: Uint8Array): string {
  return UTF8.decode(bytes)
}

function bad(why: string): PolicyResult {
  return { kind: 'bad', why }
}
