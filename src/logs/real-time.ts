import { isIPv6 } from 'node:net'
import { cmcdOf } from './cmcd.ts'
import { ABSENT } from './field-text.ts'
import type { RequestFacts } from './request-facts.ts'
import { secondsText, standardValues, type LineSurroundings } from './standard.ts'

/** CloudFront's fields of a real-time log, in its order. */
export const REAL_TIME_FIELDS = [
  'timestamp',
  'c-ip',
  'time-to-first-byte',
  'sc-status',
  'sc-bytes',
  'cs-method',
  'cs-protocol',
  'cs-host',
  'cs-uri-stem',
  'cs-bytes',
  'x-edge-location',
  'x-edge-request-id',
  'x-host-header',
  'time-taken',
  'cs-protocol-version',
  'c-ip-version',
  'cs-user-agent',
  'cs-referer',
  'cs-cookie',
  'cs-uri-query',
  'x-edge-response-result-type',
  'x-forwarded-for',
  'ssl-protocol',
  'ssl-cipher',
  'x-edge-result-type',
  'fle-encrypted-fields',
  'fle-status',
  'sc-content-type',
  'sc-content-len',
  'sc-range-start',
  'sc-range-end',
  'c-port',
  'x-edge-detailed-result-type',
  'c-country',
  'cs-accept-encoding',
  'cs-accept',
  'cache-behavior-path-pattern',
  'cs-headers',
  'cs-header-names',
  'cs-headers-count',
  'origin-fbl',
  'origin-lbl',
  'asn',
  'cmcd-encoded-bitrate',
  'cmcd-buffer-length',
  'cmcd-buffer-starvation',
  'cmcd-content-id',
  'cmcd-object-duration',
  'cmcd-deadline',
  'cmcd-measured-throughput',
  'cmcd-next-object-request',
  'cmcd-next-range-request',
  'cmcd-object-type',
  'cmcd-playback-rate',
  'cmcd-requested-maximum-throughput',
  'cmcd-streaming-format',
  'cmcd-session-id',
  'cmcd-startup',
  'cmcd-stream-type',
  'cmcd-top-bitrate',
  'cmcd-version',
  'r-host',
  'sr-reason',
  'x-edge-mqcs',
] as const
export type RealTimeField = (typeof REAL_TIME_FIELDS)[number]

/** CloudFront cuts cookies here. */
const LONGEST_COOKIE = 800

/**
 * One line of JSON with its end: the chosen fields in CloudFront's order, whatever order they were chosen in, each a text as
 * CloudFront has it but for its escapes, and `-` where there is nothing.
 */
export function realTimeLine(
  facts: RequestFacts,
  around: LineSurroundings,
  chosen: readonly string[],
): string {
  const values: Readonly<Record<string, string | undefined>> = realTimeValues(facts, around, chosen)
  const wanted = REAL_TIME_FIELDS.filter(field => chosen.includes(field))
  return `${JSON.stringify(Object.fromEntries(wanted.map(field => [field, values[field] ?? ABSENT])))}\n`
}

type Values = Partial<Record<RealTimeField, string | undefined>>

function realTimeValues(facts: RequestFacts, around: LineSurroundings, chosen: readonly string[]): Values {
  const standard = standardValues(facts, around)
  const { path, query, names } = facts
  return {
    ...standard,
    timestamp: (facts.time / 1000).toFixed(3),
    'cs-host': standard['cs(Host)'],
    'cs-uri-stem': path === undefined || query === undefined || query === '' ? path : `${path}?${query}`,
    'c-ip-version': facts.address && (isIPv6(facts.address) ? 'IPv6' : 'IPv4'),
    'cs-user-agent': facts.agent,
    'cs-referer': facts.referer,
    'cs-cookie': facts.cookie?.slice(0, LONGEST_COOKIE),
    'c-country': facts.country,
    'cs-accept-encoding': facts.acceptEncoding,
    'cs-accept': facts.accept,
    'cache-behavior-path-pattern': facts.pattern,
    'cs-header-names': names,
    'cs-headers-count': names === undefined ? undefined : String(names === '' ? 0 : names.split(',').length),
    'origin-fbl': facts.originFirstMs === undefined ? undefined : secondsText(facts.originFirstMs),
    'origin-lbl': facts.originLastMs === undefined ? undefined : secondsText(facts.originLastMs),
    ...(chosen.some(field => field.startsWith('cmcd-')) ? cmcdValues(facts) : {}),
  }
}

function cmcdValues(facts: RequestFacts): Values {
  return Object.fromEntries([...cmcdOf(facts).values].map(([name, value]) => [name, String(value)]))
}
