import type { DistributionInfo } from '../client/index.ts'
import { FAILOVER_STATUSES, type DistributionInput, type Lifetimes } from '../distribution/index.ts'
import { text, type OptionSpec, type Options } from './command.ts'
import { lifetimeOf } from './lifetime.ts'
import { usage } from './usage.ts'

/** What of a distribution can be said on the command line beside its origin. */
export const SITE_OPTIONS: OptionSpec[] = [
  { flags: '--default-ttl <lifetime>', description: 'kept so long when the server says nothing (24h)' },
  { flags: '--min-ttl <lifetime>', description: 'kept so long at least, whatever the server says (0)' },
  { flags: '--max-ttl <lifetime>', description: 'and so long at most (1y); seconds, or 10m, 30d, 100y' },
  { flags: '--fallback-origin <url>', description: 'the HTTP server that is asked where the origin fails' },
  {
    flags: '--failover-on <statuses>',
    description: `answers that count as failing, of ${FAILOVER_STATUSES.join(',')} (500,502,503,504)`,
  },
  {
    flags: '--error-page <rule>',
    description:
      'shown in place of an error: 404=/404.html, or 404=/app.html:200 with that status; may be repeated',
    repeat: 'many',
  },
]

/** The same for what is there already: what is not said stays. */
export const CHANGED_SITE_OPTIONS: OptionSpec[] = SITE_OPTIONS.map(each => ({
  ...each,
  description: each.description.replace(/ \([\w,]+\)/, ''),
}))

/** What was said by them. */
export interface SiteChange {
  ttl?: Partial<Lifetimes>
  fallback?: string
  statuses?: number[]
  errors?: NonNullable<DistributionInput['errors']>
}

/** Undefined when nothing was said. Throws a usage error that names the flag. */
export function siteChange(options: Options): SiteChange | undefined {
  const ttl = lifetimesOf(options)
  const fallback = text(options, 'fallbackOrigin')
  const statuses = statusesOf(text(options, 'failoverOn'))
  const errors = pagesOf(options['errorPage'])
  const change: SiteChange = {
    ...(ttl && { ttl }),
    ...(fallback !== undefined && { fallback }),
    ...(statuses && { statuses }),
    ...(errors && { errors }),
  }
  return Object.keys(change).length === 0 ? undefined : change
}

const LIFETIMES: readonly [word: keyof Lifetimes, flag: string, option: string][] = [
  ['minimum', '--min-ttl', 'minTtl'],
  ['default', '--default-ttl', 'defaultTtl'],
  ['maximum', '--max-ttl', 'maxTtl'],
]

function lifetimesOf(options: Options): Partial<Lifetimes> | undefined {
  const ttl: Partial<Lifetimes> = {}
  for (const [word, flag, option] of LIFETIMES) {
    const given = text(options, option)
    if (given !== undefined) ttl[word] = lifetimeOf(flag, given)
  }
  return Object.keys(ttl).length === 0 ? undefined : ttl
}

function statusesOf(given: string | undefined): number[] | undefined {
  if (given === undefined) return undefined
  const statuses = given.split(',').map(each => each.trim())
  if (statuses.every(each => FAILOVER_STATUSES.some(known => String(known) === each)))
    return statuses.map(Number)
  throw usage(
    'bad-statuses',
    `--failover-on ${given} cannot be read: list some of ${FAILOVER_STATUSES.join(',')}.`,
  )
}

function pagesOf(given: Options[string]): SiteChange['errors'] {
  if (!Array.isArray(given)) return undefined
  return given.map(each => {
    const [, status, page, respondWith] = /^(\d{3})=(\/.*?)(?::(\d{3}))?$/.exec(each) ?? []
    if (status === undefined || page === undefined)
      throw usage(
        'bad-page',
        `--error-page ${each} cannot be read: write it as 404=/404.html or 404=/app.html:200.`,
      )
    return {
      status: Number(status),
      page,
      ...(respondWith !== undefined && { respondWith: Number(respondWith) }),
    }
  })
}

const GROUP = 'failover'
const FALLBACK = 'fallback'

/** A new distribution of one server, with what was said beside it. */
export function siteAt(origin: string, change: SiteChange): DistributionInput {
  const { ttl, fallback, statuses, errors } = change
  if (statuses !== undefined && fallback === undefined) throw noFallback()
  const group = fallback === undefined ? {} : { originId: GROUP }
  return {
    ...(fallback === undefined
      ? { origin }
      : {
          origins: [{ url: origin }, { id: FALLBACK, url: fallback }],
          originGroups: [{ id: GROUP, ...(statuses && { statuses }) }],
        }),
    ...((ttl !== undefined || fallback !== undefined) && {
      behaviours: [{ pattern: '*', ...group, ...(ttl && { ttl }) }],
    }),
    ...(errors && { errors }),
  }
}

/** A distribution that there is, changed by what was said: lifetimes of `*`, the fallback of the origin that `*` has. */
export function changedSite(shown: DistributionInfo, change: SiteChange): DistributionInput {
  const { ttl, errors } = change
  const grouped = withFallback(shown, change)
  const behaviours = grouped.behaviours.map((each, at) =>
    at === grouped.behaviours.length - 1 ? { ...each, ttl: { ...each.ttl, ...ttl } } : each,
  )
  return { ...grouped, behaviours, ...(errors && { errors: withPages(shown.errors, errors) }) }
}

/** A page that there was gives way, how long the error is kept does not. */
function withPages(
  rules: DistributionInfo['errors'],
  pages: NonNullable<SiteChange['errors']>,
): NonNullable<SiteChange['errors']> {
  const kept = rules.map(({ status, ttl, ...own }) => {
    const page = pages.find(each => each.status === status) ?? own
    return { ...page, status, ...(ttl !== undefined && { ttl }) }
  })
  return [...kept, ...pages.filter(each => !rules.some(({ status }) => status === each.status))]
}

type Grouped = Omit<DistributionInput, 'behaviours'> & Pick<DistributionInfo, 'behaviours'>

function withFallback(shown: DistributionInfo, { fallback, statuses }: SiteChange): Grouped {
  if (fallback === undefined && statuses === undefined) return shown
  const { origins, originGroups = [], behaviours } = shown
  const named = behaviours.at(-1)?.originId ?? ''
  const group = originGroups.find(({ id }) => id === named)
  if (group === undefined && fallback === undefined) throw noFallback()
  const id = group?.id ?? GROUP
  const [first = named, second = FALLBACK] = group?.members ?? []
  const members = [first, fallback === undefined ? second : FALLBACK]
  const kept = statuses ?? group?.statuses
  return {
    ...shown,
    origins:
      fallback === undefined
        ? origins
        : [...origins.filter(each => each.id !== FALLBACK), { id: FALLBACK, url: fallback }],
    originGroups: [
      ...originGroups.filter(each => each.id !== id),
      { id, members, ...(kept && { statuses: kept }) },
    ],
    behaviours: behaviours.map(each => (each.originId === first ? { ...each, originId: id } : each)),
  }
}

function noFallback(): Error {
  return usage('no-fallback', 'There is no other origin to go on to: give --fallback-origin URL too.')
}
