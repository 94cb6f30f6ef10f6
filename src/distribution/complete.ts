import { completeBehaviour } from './complete-behaviour.ts'
import { DEFAULT_WIRE } from './first.ts'
import { completeError, completeGroup, membersOf } from './group.ts'
import type { DistributionInput, OriginInput } from './input.ts'
import type { Distribution, HttpOrigin, Origin, S3Origin } from './schema.ts'
import { readSiteUrl } from './site-url.ts'
import { idOf, type Surroundings } from './surroundings.ts'

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
    ...completeSite(input),
  }
  return { distribution, problems }
}

/** What holds for all of it, left out where it is as without a word. */
function completeSite({
  defaultRoot = '',
  geo,
  minimumTls,
  http,
  certificate = '',
  priceClass,
  steering = false,
  logs = null,
}: DistributionInput): Pick<
  Distribution,
  'defaultRoot' | 'geo' | 'minimumTls' | 'http' | 'certificate' | 'priceClass' | 'steering' | 'logs'
> {
  const countries = [...new Set((geo?.countries ?? []).map(code => code.toUpperCase()))]
  return {
    ...(defaultRoot !== '' && { defaultRoot }),
    ...(geo && { geo: { mode: geo.mode, countries } }),
    ...(minimumTls === '1.3' && { minimumTls }),
    ...(http === '1.1' && { http }),
    ...(certificate !== '' && { certificate }),
    ...(priceClass !== undefined && priceClass !== 'all' && { priceClass }),
    ...(steering && { steering }),
    ...(logs && { logs: { cookies: logs.cookies ?? false } }),
  }
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
    ...(['attempts', 'connectTimeout', 'responseTimeout', 'keepAlive', 'tls', 'shield'] as const),
  ],
  s3: ['id', 'kind', 'endpoint', 'bucket', 'region', 'addressing', 'path', 'access', 'shield'],
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
  const tls = [...new Set(input.tls)].sort()
  return {
    ...{ id, kind: 'http', headers, ...where },
    ...(tls.length === 1 && { tls }),
    ...shieldOf(input),
  }
}

function shieldOf({ shield = '' }: OriginInput): Pick<HttpOrigin, 'shield'> {
  return shield === '' ? {} : { shield }
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
    ...shieldOf(input),
  }
}
