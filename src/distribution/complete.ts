import type { DistributionId, IssuerId, KeyGroupId, OriginAccessId } from '../core/index.ts'
import { DEFAULT_LIFETIMES, DEFAULT_WIRE } from './first.ts'
import { completeError, completeGroup, membersOf } from './group.ts'
import type { BehaviourInput, DistributionInput, OriginInput } from './input.ts'
import type { Behaviour, Distribution, HttpOrigin, Lifetimes, Named, Origin, S3Origin } from './schema.ts'
import { readSiteUrl } from './site-url.ts'

/** What a distribution is settled against. */
export interface Surroundings {
  id: DistributionId
  domain: string
  /** What is replaced; undefined for a new one. */
  before: Distribution | undefined
  /** All but this one. */
  others: readonly Distribution[]
  keyGroups: readonly { id: KeyGroupId; name: string }[]
  issuers: readonly { id: IssuerId; name: string }[]
  originAccess: readonly { id: OriginAccessId; name: string }[]
}

/** The whole distribution with its defaults, and what was wrong on the way: sentences, each with its place. */
export function completeDistribution(
  input: DistributionInput,
  around: Surroundings,
): { distribution: Distribution; problems: string[] } {
  const problems: string[] = []
  const origins = originsOf(input, problems).map(each => completeOrigin(each, around, problems))
  const first = origins[0]?.id ?? ''
  const originGroups = (input.originGroups ?? []).map(each => completeGroup(each, origins))
  const behaviours = (input.behaviours ?? [{ pattern: '*' }]).map(each => {
    const originId = each.originId ?? first
    const kind = membersOf({ origins, originGroups }, originId)[0]?.kind ?? 'http'
    return completeBehaviour(each, { id: originId, kind }, around, problems)
  })
  const distribution: Distribution = {
    id: around.id,
    domain: around.domain,
    aliases: (input.aliases ?? []).map(alias => alias.toLowerCase().replace(/\.$/, '')),
    enabled: input.enabled ?? true,
    comment: input.comment ?? '',
    origins,
    ...(originGroups.length > 0 && { originGroups }),
    behaviours,
    errors: (input.errors ?? []).map(completeError),
  }
  return { distribution, problems }
}

function originsOf({ origin, origins }: DistributionInput, problems: string[]): OriginInput[] {
  if (origin !== undefined && origins !== undefined)
    problems.push('both "origin" and "origins" are given: "origin" is short for one HTTP origin, keep one')
  if (origins !== undefined) return origins
  if (origin !== undefined) return [{ kind: 'http', url: origin }]
  problems.push('there is no origin: give "origin" a URL, or list "origins"')
  return []
}

function completeOrigin(input: OriginInput, around: Surroundings, problems: string[]): Origin {
  const kind =
    input.kind ?? (input.bucket === undefined ? (input.url === undefined ? undefined : 'http') : 's3')
  const place = `origin "${input.id ?? input.url ?? input.bucket ?? kind ?? ''}"`
  refuseStrange(input, kind, place, problems)
  switch (kind) {
    case 'http':
      return httpOrigin(input, place, around, problems)
    case 's3':
      return s3Origin(input, place, around, problems)
    case undefined:
      problems.push(`${place} does not say what it is: give a "url", a "bucket", or "kind": "built-in"`)
      break
    case 'built-in':
  }
  return { id: input.id ?? 'built-in', kind: 'built-in' }
}

const FIELDS: Record<Origin['kind'], readonly (keyof OriginInput)[]> = {
  'built-in': ['id', 'kind'],
  http: [
    ...(['id', 'kind', 'url', 'headers', 'protocol', 'httpPort', 'httpsPort'] as const),
    ...(['attempts', 'connectTimeout', 'responseTimeout', 'keepAlive'] as const),
  ],
  s3: ['id', 'kind', 'endpoint', 'bucket', 'region', 'addressing', 'path', 'access'],
}

/** A field of another kind would be dropped without a word. */
function refuseStrange(
  input: OriginInput,
  kind: Origin['kind'] | undefined,
  place: string,
  problems: string[],
): void {
  if (kind === undefined) return
  const known: readonly string[] = FIELDS[kind]
  for (const field of Object.keys(input)) {
    if (!known.includes(field))
      problems.push(`${place} is of the kind ${kind}, which has no "${field}": take it out`)
  }
}

function httpOrigin(input: OriginInput, place: string, around: Surroundings, problems: string[]): HttpOrigin {
  const read = readSiteUrl(input.url ?? '')
  if (read.kind === 'bad') problems.push(`the url of ${place} ${read.why}`)
  const url = read.kind === 'good' ? read.url : ''
  const id = input.id ?? (read.kind === 'good' ? read.host : 'http')
  const where = { url, ...wireOf(input, url) }
  const before = around.before?.origins.find(each => each.id === id)
  const stored = before?.kind === 'http' && serverOf(before) === serverOf(where) ? before.headers : []
  const headers = (input.headers ?? []).flatMap(({ name, value }) => {
    const kept = value ?? stored.find(each => each.name.toLowerCase() === name.toLowerCase())?.value
    if (kept !== undefined) return [{ name, value: kept }]
    problems.push(
      before?.kind === 'http' && stored !== before.headers
        ? `the header "${name}" of ${place} needs its value again, since the origin is another server now: a secret goes only where it was meant for`
        : `the header "${name}" of ${place} has no value, and none is stored: give it one`,
    )
    return []
  })
  return { id, kind: 'http', headers, ...where }
}

function wireOf(input: OriginInput, url: string): Omit<HttpOrigin, 'id' | 'kind' | 'url' | 'headers'> {
  const { protocol, httpPort, httpsPort, attempts, connectTimeout, responseTimeout, keepAlive } = {
    ...DEFAULT_WIRE,
    ...(input.protocol === 'match-viewer' && portOf(url)),
    ...input,
  }
  return { protocol, httpPort, httpsPort, attempts, connectTimeout, responseTimeout, keepAlive }
}

/** The port that a URL names is that of its scheme. */
function portOf(url: string): Partial<HttpOrigin> {
  const { port, protocol } = URL.canParse(url) ? new URL(url) : NOWHERE
  if (port === '') return {}
  return protocol === 'https:' ? { httpsPort: Number(port) } : { httpPort: Number(port) }
}

const NOWHERE = { port: '', protocol: '' }

/** Every scheme, host and port that is connected to. */
function serverOf({
  url,
  protocol,
  httpPort,
  httpsPort,
}: Pick<HttpOrigin, 'url' | 'protocol' | 'httpPort' | 'httpsPort'>): string {
  if (!URL.canParse(url)) return ''
  const { origin, hostname } = new URL(url)
  return protocol === 'as-url' ? origin : `${hostname} ${httpPort} ${httpsPort}`
}

function s3Origin(input: OriginInput, place: string, around: Surroundings, problems: string[]): S3Origin {
  const { bucket = '', region = 'us-east-1', path = '' } = input
  const read = readSiteUrl(input.endpoint ?? `https://s3.${region}.amazonaws.com`)
  if (read.kind === 'bad') problems.push(`the endpoint of ${place} ${read.why}`)
  const host = read.kind === 'good' ? read.host : ''
  const named = input.access ?? null
  const access = named === null ? null : idOf(around.originAccess, named)
  if (access === undefined) {
    problems.push(
      `${place} names the origin access "${named}", which there is not: make it with sluice origin-access create, or leave it out for a public bucket`,
    )
  }
  return {
    id: input.id ?? bucket,
    kind: 's3',
    endpoint: read.kind === 'good' ? read.url : '',
    bucket,
    region,
    addressing: input.addressing ?? (host.endsWith('.amazonaws.com') ? 'host' : 'path'),
    path: path.replace(/\/+$/, ''),
    access: access ?? null,
  }
}

function completeBehaviour(
  input: BehaviourInput,
  origin: Pick<Origin, 'id' | 'kind'>,
  around: Surroundings,
  problems: string[],
): Behaviour {
  const place = `behaviour "${input.pattern}"`
  const gate = completeGate(input.gate ?? null, place, around, problems)
  // Any site works behind us as it is; a bucket or our own origin needs nothing of a viewer's.
  const usual = origin.kind === 'http' ? 'all' : 'none'
  return {
    pattern: input.pattern,
    originId: origin.id,
    gate,
    carry: input.carry ?? 'none',
    ttl: lifetimes(input.ttl ?? {}),
    viewerProtocol: input.viewerProtocol ?? 'allow-all',
    query: once(input.query ?? usual),
    headers: [...new Set((input.headers ?? []).map(name => name.toLowerCase()))],
    forward: once(input.forward ?? usual, name => name.toLowerCase()),
    cookies: once(input.cookies ?? (gate === null ? usual : 'none')),
    methods: input.methods ?? (origin.kind === 'http' ? 'all' : 'read'),
    compress: input.compress ?? true,
    corsOrigins: [...new Set((input.corsOrigins ?? []).map(each => each.toLowerCase()))],
  }
}

/** Each name once, and as it is compared. */
function once(choice: Named, as: (name: string) => string = name => name): Named {
  if (typeof choice === 'string') return choice
  return Array.isArray(choice)
    ? [...new Set(choice.map(as))]
    : { except: [...new Set(choice.except.map(as))] }
}

function completeGate(
  gate: NonNullable<BehaviourInput['gate']> | null,
  place: string,
  around: Surroundings,
  problems: string[],
): Behaviour['gate'] {
  if (gate === null) return null
  const find = <T extends string>(
    known: readonly { id: T; name: string }[],
    names: readonly string[],
    what: string,
    mend: string,
  ): T[] =>
    names.flatMap(name => {
      const id = idOf(known, name)
      if (id !== undefined) return [id]
      problems.push(`${place} trusts the ${what} "${name}", which there is not: ${mend}`)
      return []
    })
  const keyGroups = find(
    around.keyGroups,
    gate.keyGroups ?? [],
    'key group',
    'sluice keys groups lists them, sluice keys create NAME --group makes one',
  )
  const issuers = find(
    around.issuers,
    gate.issuers ?? [],
    'issuer',
    'sluice issuers list names them, sluice issuers create makes one',
  )
  if ((gate.keyGroups ?? []).length + (gate.issuers ?? []).length === 0)
    problems.push(`the gate of ${place} trusts nobody: name a key group or an issuer, or set "gate" to null`)
  return { keyGroups: [...new Set(keyGroups)], issuers: [...new Set(issuers)] }
}

/** An id counts before a name, so that nobody can take a place by being called like another's id. */
function idOf<T extends string>(known: readonly { id: T; name: string }[], asked: string): T | undefined {
  return (known.find(each => each.id === asked) ?? known.find(each => each.name === asked))?.id
}

/** What is left out fits what is given: a maximum of a minute makes the default a minute at most. */
function lifetimes(given: Partial<Lifetimes>): Lifetimes {
  const minimum = given.minimum ?? Math.min(DEFAULT_LIFETIMES.minimum, given.maximum ?? 0)
  const maximum = given.maximum ?? Math.max(DEFAULT_LIFETIMES.maximum, minimum, given.default ?? 0)
  const usual = Math.min(Math.max(DEFAULT_LIFETIMES.default, minimum), maximum)
  return { minimum, default: given.default ?? usual, maximum }
}
