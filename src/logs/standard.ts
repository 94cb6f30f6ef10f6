import type { Instant, Milliseconds } from '../core/index.ts'
import { fieldText, readFieldText } from './field-text.ts'
import type { RequestFacts } from './request-facts.ts'
import { resultTypes } from './result-type.ts'

/** CloudFront's fields of a standard log, in its order. */
export const STANDARD_FIELDS = [
  'date',
  'time',
  'x-edge-location',
  'sc-bytes',
  'c-ip',
  'cs-method',
  'cs(Host)',
  'cs-uri-stem',
  'sc-status',
  'cs(Referer)',
  'cs(User-Agent)',
  'cs-uri-query',
  'cs(Cookie)',
  'x-edge-result-type',
  'x-edge-request-id',
  'x-host-header',
  'cs-protocol',
  'cs-bytes',
  'time-taken',
  'x-forwarded-for',
  'ssl-protocol',
  'ssl-cipher',
  'x-edge-response-result-type',
  'cs-protocol-version',
  'fle-status',
  'fle-encrypted-fields',
  'c-port',
  'time-to-first-byte',
  'x-edge-detailed-result-type',
  'sc-content-type',
  'sc-content-len',
  'sc-range-start',
  'sc-range-end',
] as const
export type StandardField = (typeof STANDARD_FIELDS)[number]

/** With what each file begins. */
export const STANDARD_HEAD = `#Version: 1.0\n#Fields: ${STANDARD_FIELDS.join(' ')}\n`

/** What is the same for all lines of a distribution at an edge. */
export interface LineSurroundings {
  /** Where the edge is, as it says of itself. */
  pop: string
  /** Of the distribution, its own. */
  domain: string
}

/** One line with its end. */
export function standardLine(facts: RequestFacts, around: LineSurroundings): string {
  const values = standardValues(facts, around)
  return `${STANDARD_FIELDS.map(field => fieldText(values[field])).join('\t')}\n`
}

/** The values before they are escaped; undefined where there is none. */
export function standardValues(
  facts: RequestFacts,
  { pop, domain }: LineSurroundings,
): Record<StandardField, string | undefined> {
  const { result, response, detailed } = resultTypes(facts)
  const at = new Date(endOf(facts)).toISOString()
  const [first, last] = facts.range?.split('-') ?? []
  return {
    date: at.slice(0, 10),
    time: at.slice(11, 19),
    'x-edge-location': pop,
    'sc-bytes': String(facts.bytes),
    'c-ip': facts.address,
    'cs-method': facts.method,
    'cs(Host)': domain,
    'cs-uri-stem': facts.path,
    'sc-status': String(facts.status).padStart(3, '0'),
    'cs(Referer)': facts.referer,
    'cs(User-Agent)': facts.agent,
    'cs-uri-query': facts.query,
    'cs(Cookie)': facts.cookie,
    'x-edge-result-type': result,
    'x-edge-request-id': facts.id,
    'x-host-header': facts.host,
    'cs-protocol': facts.status === 101 ? (facts.scheme === 'https' ? 'wss' : 'ws') : facts.scheme,
    'cs-bytes': facts.requestBytes === undefined ? undefined : String(facts.requestBytes),
    'time-taken': secondsText(facts.ms),
    'x-forwarded-for': facts.forwardedFor,
    'ssl-protocol': facts.tls,
    'ssl-cipher': facts.cipher,
    'x-edge-response-result-type': response,
    'cs-protocol-version': `HTTP/${facts.protocol}`,
    'fle-status': facts.form,
    'fle-encrypted-fields': facts.encryptedFields === undefined ? undefined : String(facts.encryptedFields),
    'c-port': facts.port === undefined ? undefined : String(facts.port),
    'time-to-first-byte': facts.firstByteMs === undefined ? undefined : secondsText(facts.firstByteMs),
    'x-edge-detailed-result-type': detailed,
    'sc-content-type': facts.type,
    'sc-content-len': facts.length,
    'sc-range-start': first,
    'sc-range-end': last,
  }
}

/** CloudFront's date and time are of when an answer ended. */
export function endOf({ time, ms }: Pick<RequestFacts, 'time' | 'ms'>): Instant {
  return (time + ms) as Instant // a sum of an instant and a span
}

/** Seconds with three digits behind their point. */
export function secondsText(span: Milliseconds): string {
  return (Math.max(0, span) / 1000).toFixed(3)
}

/** What a line says, each byte of a value a character; undefined for what is no line of 33 fields, as the head is none. */
export function readStandardLine(line: string): Map<StandardField, string | undefined> | undefined {
  const texts = line.replace(/\n$/, '').split('\t')
  if (texts.length !== STANDARD_FIELDS.length) return undefined
  return new Map(STANDARD_FIELDS.map((field, at) => [field, readFieldText(texts[at] ?? '-')]))
}
