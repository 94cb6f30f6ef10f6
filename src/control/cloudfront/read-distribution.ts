import type {
  Distribution,
  DistributionInput,
  ErrorInput,
  OriginGroupInput,
} from '../../distribution/index.ts'
import { fillConfig, fillError } from './config-defaults.ts'
import { refuseUnfitEncryption } from './encrypting-behaviours.ts'
import { same } from './etag.ts'
import type { Findings } from './findings.ts'
import { asKnown } from './known-origin.ts'
import { itemsOf } from './lists.ts'
import { readBehaviour, type KnownBehaviour } from './read-behaviour.ts'
import { readOrigin } from './read-origin.ts'
import { readCertificate } from './viewer-certificate.ts'
import { refuseStrange } from './strange-settings.ts'
import type { CacheBehavior, DistributionConfig, OriginGroupConfig } from './shapes.ts'

/** What is stored, and as what it was last shown. */
export interface Known {
  distribution: Distribution
  shown: DistributionConfig
}

/**
 * A distribution as we have it, of one of CloudFront's. Each of its settings is honoured, mapped, kept with a notice or
 * refused (`settings.ts`); what we have and CloudFront has no words for stays as it is stored.
 */
export function readDistributionConfig(
  config: DistributionConfig,
  known: Known | undefined,
  found: Findings,
): DistributionInput {
  refuseStrange(config, found)
  refuseTooMany(config, found)
  refuseUnfitEncryption(behavioursOf(fillConfig(config)), config, found)
  noticeOpened(config, known, found)
  if (known !== undefined) refuseLostGates(config, known, found)
  const root = config.DefaultRootObject ?? ''
  if (root.startsWith('/'))
    found.refuse('DefaultRootObject', 'leave out the slash before it', 'InvalidDefaultRootObject')
  const groups = itemsOf(config.OriginGroups)
  return {
    aliases: itemsOf(config.Aliases),
    enabled: config.Enabled ?? false,
    comment: config.Comment ?? '',
    origins: itemsOf(config.Origins).map(each => asKnown(each, readOrigin(each, found), known)),
    ...(groups.length > 0 && { originGroups: groups.map(each => readGroup(each, found)) }),
    // Filled in, so that what comes back as it was shown is known again.
    behaviours: behavioursOf(fillConfig(config)).map(each =>
      readBehaviour(each, knownOf(each, known), found),
    ),
    errors: itemsOf(config.CustomErrorResponses).map(each => readError(each, known, found)),
    ...(root !== '' && { defaultRoot: root }),
    ...geoOf(config, found),
    ...priceOf(config, found),
    // CloudFront has no word for the one, and its Logging names a bucket, which is more than the other says.
    ...(known?.distribution.steering === true && { steering: true }),
    ...(known?.distribution.logs !== undefined && { logs: known.distribution.logs }),
    ...httpOf(config, found),
    ...readCertificate(config.ViewerCertificate, itemsOf(config.Aliases), found),
  }
}

/** All behaviours in order; the default one is the last and has the pattern `*`. */
export function behavioursOf(config: DistributionConfig): CacheBehavior[] {
  const last = config.DefaultCacheBehavior
  return [...itemsOf(config.CacheBehaviors), ...(last === undefined ? [] : [{ ...last, PathPattern: '*' }])]
}

function knownOf(sent: CacheBehavior, known: Known | undefined): KnownBehaviour | undefined {
  const behaviour = known?.distribution.behaviours.find(each => each.pattern === sent.PathPattern)
  const shown = known && behavioursOf(known.shown).find(each => each.PathPattern === sent.PathPattern)
  return behaviour && shown ? { behaviour, shown } : undefined
}

/** Where keys open a behaviour beside tokens, who takes it out or renames it is told what goes with it. */
function noticeOpened(config: DistributionConfig, known: Known | undefined, found: Findings): void {
  const patterns = behavioursOf(config).map(each => each.PathPattern)
  for (const { pattern, gate } of known?.distribution.behaviours ?? [])
    if (gate !== null && gate.keyGroups.length > 0 && gate.issuers.length > 0 && !patterns.includes(pattern))
      found.notice(
        `CacheBehavior ${pattern}`,
        'it is gone, and with it the issuers whose tokens it asked for: gate what it was about elsewhere',
      )
}

/**
 * A gate by tokens alone looks open in CloudFront's words. It stays with its pattern; with another pattern, or with none,
 * what it keeps closed would be open, and nothing in either document would say so.
 */
function refuseLostGates(config: DistributionConfig, { distribution }: Known, found: Findings): void {
  const patterns = behavioursOf(config).map(each => each.PathPattern)
  for (const { pattern, gate } of distribution.behaviours)
    if (gate !== null && gate.keyGroups.length === 0 && !patterns.includes(pattern))
      found.refuse(
        `CacheBehavior ${pattern}`,
        'it asks for tokens of issuers, for which CloudFront has no word: rename it or take it out with sluice distribution update',
      )
}

const PRICES = { PriceClass_100: '100', PriceClass_200: '200', PriceClass_All: 'all', None: 'all' } as const

function priceOf(config: DistributionConfig, found: Findings): Pick<DistributionInput, 'priceClass'> {
  const word = config.PriceClass ?? 'PriceClass_All'
  const priceClass = found.oneOf<'100' | '200' | 'all'>('PriceClass', word, PRICES, 'all')
  return priceClass === 'all' ? {} : { priceClass }
}

function readGroup(group: OriginGroupConfig, found: Findings): OriginGroupInput {
  if ((group.SelectionCriteria ?? 'default') !== 'default')
    found.notice(`OriginGroup ${group.Id}, SelectionCriteria`, 'kept; the first member is always asked first')
  return {
    id: group.Id ?? '',
    members: itemsOf(group.Members).map(({ OriginId: id = '' }) => id),
    statuses: itemsOf(group.FailoverCriteria?.StatusCodes),
  }
}

type ErrorResponse = NonNullable<NonNullable<DistributionConfig['CustomErrorResponses']>['Items']>[number]

/**
 * What is sent as it was shown stays as it is stored: CloudFront shows 10 s where we have no word, and the error's own
 * status where none stands in its place.
 */
function readError(error: ErrorResponse, known: Known | undefined, found: Findings): ErrorInput {
  const shown = itemsOf(known?.shown.CustomErrorResponses).find(each => each.ErrorCode === error.ErrorCode)
  const stored = known?.distribution.errors.find(each => each.status === error.ErrorCode)
  if (stored !== undefined && shown !== undefined && same(fillError(error), fillError(shown))) return stored
  const { ErrorCode: status = 0, ResponsePagePath: page = '', ResponseCode: respond = '' } = error
  const place = `CustomErrorResponse ${status}`
  if (!Number.isInteger(status) || status < 400 || status > 599)
    found.refuse(place, 'ErrorCode is the status of an error, 400 to 599', 'InvalidErrorCode')
  if ((page === '') !== (respond === ''))
    found.refuse(place, 'give ResponsePagePath and ResponseCode, or neither', 'InvalidResponseCode')
  if (respond !== '' && !/^\d{3}$/.test(respond))
    found.refuse(place, 'ResponseCode is a status of three digits', 'InvalidResponseCode')
  return {
    status,
    ttl: error.ErrorCachingMinTTL ?? 10,
    ...(page !== '' && { page, respondWith: Number(respond) }),
  }
}

function geoOf(config: DistributionConfig, found: Findings): Pick<DistributionInput, 'geo'> {
  const { RestrictionType: type = 'none' } = config.Restrictions?.GeoRestriction ?? {}
  const countries = itemsOf(config.Restrictions?.GeoRestriction)
  const mode = found.oneOf(
    'GeoRestriction, RestrictionType',
    type,
    { none: 'none', whitelist: 'allow', blacklist: 'deny' } as const satisfies Record<string, string>,
    'none',
  )
  const bad = countries.find(each => !/^[A-Z]{2}$/.test(each))
  if (bad !== undefined)
    found.refuse(
      'GeoRestriction, Location',
      `"${bad.slice(0, 20)}" is no country: two capitals of ISO 3166-1`,
      'InvalidLocationCode',
    )
  if ((mode === 'none') !== (countries.length === 0))
    found.refuse(
      'GeoRestriction',
      mode === 'none' ? '"none" takes no countries' : `"${type}" needs countries`,
      'InvalidGeoRestrictionParameter',
    )
  if (mode === 'none') return {}
  found.notice(
    'GeoRestriction',
    'edges judge by the country file that you give them; one without lets nobody in',
  )
  return { geo: { mode, countries } }
}

function httpOf(config: DistributionConfig, found: Findings): Pick<DistributionInput, 'http'> {
  const word = config.HttpVersion ?? 'http2'
  const http = found.oneOf(
    'HttpVersion',
    word.toLowerCase(),
    { 'http1.1': '1.1', http2: '2', http3: '2', http2and3: '2' } as const satisfies Record<string, string>,
    '2',
  )
  if (word.toLowerCase().includes('3'))
    found.notice('HttpVersion', 'HTTP/2 and 1.1 are spoken, HTTP/3 is not')
  return { http }
}

/** More than we take of anything; `DistributionInput` would say so of the first only, and without CloudFront's code. */
function refuseTooMany(config: DistributionConfig, found: Findings): void {
  const most = (setting: string, list: { Items?: unknown[] | undefined } | undefined, code: string): void => {
    if (itemsOf(list).length > 100) found.refuse(setting, '100 at most', code)
  }
  most('Aliases', config.Aliases, 'TooManyDistributionCNAMEs')
  most('Origins', config.Origins, 'TooManyOrigins')
  most('OriginGroups', config.OriginGroups, 'TooManyOriginGroupsPerDistribution')
  if (behavioursOf(config).length > 100)
    found.refuse('CacheBehaviors', '100 at most, with the default one', 'TooManyCacheBehaviors')
  for (const { Id: id, CustomHeaders: headers } of itemsOf(config.Origins))
    if (itemsOf(headers).length > 32)
      found.refuse(`Origin ${id}, CustomHeaders`, '32 at most', 'TooManyOriginCustomHeaders')
  for (const behaviour of behavioursOf(config))
    if (itemsOf(behaviour.TrustedKeyGroups).length > 32)
      found.refuse('TrustedKeyGroups', '32 at most', 'TooManyKeyGroupsAssociatedToDistribution')
}
