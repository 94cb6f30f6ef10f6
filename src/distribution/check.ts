import { canonicalPath, reader } from '../core/index.ts'
import { behaviourProblems } from './check-behaviour.ts'
import { siteProblems } from './check-site.ts'
import { completeDistribution } from './complete.ts'
import { errorProblems, groupProblems } from './group.ts'
import type { DistributionInput } from './input.ts'
import { originFieldRefusal } from './origin-fields.ts'
import { Distribution, type HttpOrigin, type Origin, type S3Origin } from './schema.ts'
import type { Surroundings } from './surroundings.ts'
import { distributionWarnings } from './warnings.ts'

export type Settled =
  | { kind: 'good'; distribution: Distribution; warnings: string[] }
  /** Sentences, each naming its place and the mend. */
  | { kind: 'bad'; problems: string[] }
  /** A name belongs to another distribution. */
  | { kind: 'taken'; problem: string }

/**
 * The one validation of distributions, whoever writes them: fills in what was left out, puts ids in place of names,
 * keeps the stored values of secret headers, and refuses what could not be served as it is written.
 */
export function settleDistribution(input: DistributionInput, around: Surroundings): Settled {
  const { distribution, problems } = completeDistribution(input, around)
  problems.push(...identityProblems(input, around))
  problems.push(...aliasProblems(distribution), ...originProblems(distribution.origins))
  problems.push(...groupProblems(distribution), ...errorProblems(distribution))
  const tokenCookies = around.issuers.flatMap(({ cookie }) => (cookie === undefined ? [] : [cookie]))
  problems.push(...behaviourProblems(distribution, tokenCookies), ...siteProblems(distribution))
  if (problems.length > 0) return { kind: 'bad', problems }
  const problem = takenName(distribution, around)
  if (problem !== undefined) return { kind: 'taken', problem }
  const read = readDistribution(distribution)
  return { kind: 'good', distribution: read, warnings: distributionWarnings(read, around.others) }
}

const readDistribution = reader(Distribution, 'the distribution')

/** A file that was written for one distribution must not replace another. */
function identityProblems(input: DistributionInput, { before, id, domain }: Surroundings): string[] {
  if (!before) return []
  const wrong: string[] = []
  if (input.id !== undefined && input.id !== id)
    wrong.push(`this is the distribution ${input.id}, not ${id}: take its "id" out to copy it there`)
  if (input.domain !== undefined && input.domain !== domain)
    wrong.push(`the domain of ${id} is ${domain} and cannot be changed: add "${input.domain}" to "aliases"`)
  return wrong
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

function aliasProblems({ aliases, domain }: Distribution): string[] {
  return aliases.flatMap((alias, at) => {
    const place = `the alias "${alias}"`
    if (alias === domain) return [`${place} is the distribution's own domain: take it out`]
    if (aliases.indexOf(alias) !== at) return [`${place} is listed twice: take one out`]
    if (alias.includes('*')) return [`${place} has a wildcard: list each name`]
    if (alias.length > 253 || !alias.split('.').every(label => LABEL.test(label)))
      return [`${place} is no host name: write it as media.example.com, without scheme, port or path`]
    return []
  })
}

function takenName(distribution: Distribution, { others }: Surroundings): string | undefined {
  for (const alias of distribution.aliases) {
    const other = others.find(each =>
      [each.domain, ...each.aliases].some(name => name.toLowerCase() === alias),
    )
    if (other) return `the alias "${alias}" belongs to the distribution ${other.id}: take it out there first`
  }
  return undefined
}

function originProblems(origins: readonly Origin[]): string[] {
  return origins.flatMap((origin, at) => {
    const place = `origin "${origin.id}"`
    const problems =
      origin.kind === 'http'
        ? httpProblems(origin, place)
        : origin.kind === 's3'
          ? s3Problems(origin, place)
          : []
    if (origins.findIndex(each => each.id === origin.id) !== at)
      problems.push(`${place} is there twice: give each origin an "id" of its own`)
    return problems
  })
}

function httpProblems(origin: HttpOrigin, place: string): string[] {
  return [...portProblems(origin, place), ...secretProblems(origin, place), ...shieldProblem(origin, place)]
}

/** As nodes name their places. */
function shieldProblem({ shield }: HttpOrigin | S3Origin, place: string): string[] {
  return shield === undefined || /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(shield)
    ? []
    : [`the shield "${shield}" of ${place} is no place: use the name that "sluice nodes" lists as pop`]
}

/** With the viewer's scheme the URL's port would be that of one scheme only. */
function portProblems({ url, protocol, httpPort, httpsPort }: HttpOrigin, place: string): string[] {
  if (protocol === 'as-url' || !URL.canParse(url)) return []
  const { port, protocol: scheme } = new URL(url)
  if (port === '') return []
  const [word, meant] = scheme === 'https:' ? ['httpsPort', httpsPort] : ['httpPort', httpPort]
  return Number(port) === meant
    ? []
    : [
        `${place} is asked in the viewer's scheme, at "${word}" ${meant} and not at the port ${port} of its url: make them the same, or take the port out of the url`,
      ]
}

function secretProblems({ headers }: HttpOrigin, place: string): string[] {
  return headers.flatMap(({ name, value }, at) => {
    const what = `the header "${name}" of ${place}`
    const refusal = originFieldRefusal(name)
    if (refusal !== undefined) return [`${what} ${refusal}`]
    if (headers.findIndex(each => each.name.toLowerCase() === name.toLowerCase()) !== at)
      return [`${what} is listed twice: take one out`]
    if (value === '') return [`the value of ${what} is empty: give it one, or take the header out`]
    // The value is a secret, so the sentence does not repeat it.
    if (!/^[\x20-\x7e]*$/.test(value) || value !== value.trim())
      return [`the value of ${what} may hold printable ASCII only, without spaces at its ends: mend it`]
    return []
  })
}

function s3Problems(origin: S3Origin, place: string): string[] {
  const problems: string[] = []
  const { bucket, region, path, addressing, endpoint } = origin
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket))
    problems.push(`${place} needs a "bucket" of 2 to 63 letters, digits, dots and dashes`)
  if (!/^[A-Za-z0-9-]{1,64}$/.test(region))
    problems.push(`the region of ${place} is no region: write it as eu-central-1`)
  if (path !== '' && canonicalPath(path).kind === 'bad')
    problems.push(`the path of ${place} is none: begin it with "/", without "." and ".." segments`)
  if (addressing === 'host' && isAddress(endpoint))
    problems.push(`${place} cannot put its bucket before an IP address: set "addressing" to "path"`)
  return [...problems, ...shieldProblem(origin, place)]
}

function isAddress(endpoint: string): boolean {
  return URL.canParse(endpoint) && /^(?:\[|[\d.]+$)/.test(new URL(endpoint).hostname)
}
