import { CMCD_FIELDS, type CmcdField, type RequestFacts } from './request-facts.ts'

/** What a player says of itself (CTA-5004, version 1), by CloudFront's names for it. Numbers as it said them. */
export type CmcdValue = string | number | boolean

type Kind = 'integer' | 'decimal' | 'boolean' | 'string' | 'token' | 'range' | 'url'

interface Key {
  /** Of CloudFront's real-time logs. */
  name: string
  kind: Kind
  /** The field that it stands in where it comes in header fields. */
  field: CmcdField
  /** Of a token. */
  words?: readonly string[]
}

const key = (name: string, kind: Kind, field: CmcdField, ...words: string[]): Key => ({
  ...{ name, kind, field },
  ...(words.length > 0 && { words }),
})

/** CTA-5004, section 3.1. */
const KEYS: ReadonlyMap<string, Key> = new Map([
  ['br', key('cmcd-encoded-bitrate', 'integer', 'object')],
  ['bl', key('cmcd-buffer-length', 'integer', 'request')],
  ['bs', key('cmcd-buffer-starvation', 'boolean', 'status')],
  ['cid', key('cmcd-content-id', 'string', 'session')],
  ['d', key('cmcd-object-duration', 'integer', 'object')],
  ['dl', key('cmcd-deadline', 'integer', 'request')],
  ['mtp', key('cmcd-measured-throughput', 'integer', 'request')],
  ['nor', key('cmcd-next-object-request', 'url', 'request')],
  ['nrr', key('cmcd-next-range-request', 'range', 'request')],
  ['ot', key('cmcd-object-type', 'token', 'object', 'm', 'a', 'v', 'av', 'i', 'c', 'tt', 'k', 'o')],
  ['pr', key('cmcd-playback-rate', 'decimal', 'session')],
  ['rtp', key('cmcd-requested-maximum-throughput', 'integer', 'status')],
  ['sf', key('cmcd-streaming-format', 'token', 'session', 'd', 'h', 's', 'o')],
  ['sid', key('cmcd-session-id', 'string', 'session')],
  ['st', key('cmcd-stream-type', 'token', 'session', 'v', 'l')],
  ['su', key('cmcd-startup', 'boolean', 'request')],
  ['tb', key('cmcd-top-bitrate', 'integer', 'object')],
  ['v', key('cmcd-version', 'integer', 'session')],
])

/** CloudFront's names, in no order. */
export const CMCD_NAMES: readonly string[] = [...KEYS.values()].map(({ name }) => name)

export interface Cmcd {
  values: ReadonlyMap<string, CmcdValue>
  /** Pairs that are not what they have to be, or stand where they must not: each is as if it were not there. */
  bad: number
  /** Keys that this version does not know, such as a player's own; they do no harm. */
  unknown: number
}

/** No string is longer (section 3.2); a text of all keys is about 500 characters, and nobody's has four thousand. */
const LONGEST_STRING = 64
const LONGEST_URL = 1024
const LONGEST_TEXT = 4096
const MOST_DIGITS = 15

const NONE: Cmcd = { values: new Map(), bad: 0, unknown: 0 }

/** Where both ways are used, header fields count: they are what a player means that can choose. */
export function cmcdOf({ query, cmcd }: Pick<RequestFacts, 'query' | 'cmcd'>): Cmcd {
  const fields = CMCD_FIELDS.flatMap(field => {
    const text = cmcd?.[field]
    return text === undefined ? [] : [{ text, field }]
  })
  if (fields.length > 0) return readCmcd(fields)
  const argument = argumentIn(query ?? '')
  if (argument === undefined) return NONE
  return argument.kind === 'bad' ? { ...NONE, bad: 1 } : readCmcd([{ text: argument.text }])
}

function argumentIn(query: string): { kind: 'text'; text: string } | { kind: 'bad' } | undefined {
  const pair = query.split('&').find(each => each.startsWith('CMCD='))
  if (pair === undefined) return undefined
  try {
    return { kind: 'text', text: decodeURIComponent(pair.slice('CMCD='.length)) }
  } catch {
    return { kind: 'bad' }
  }
}

/** Reads texts of pairs, `br=3200,bs,sid="a"`, each with the field that it came in. */
export function readCmcd(texts: readonly { text: string; field?: CmcdField }[]): Cmcd {
  const values = new Map<string, CmcdValue>()
  let [bad, unknown] = [0, 0]
  for (const { text, field } of texts) {
    const { pairs, left } = pairsIn(text)
    bad += left
    for (const [name, raw] of pairs) {
      const known = KEYS.get(name)
      if (known === undefined) {
        if (/^[A-Za-z0-9._-]{1,64}$/.test(name)) unknown++
        else bad++
        continue
      }
      const value = field === undefined || field === known.field ? valueOf(known, raw) : undefined
      // A key counts once; which of two was meant nobody knows, and the first is told.
      if (value === undefined || values.has(known.name)) bad++
      else values.set(known.name, value)
    }
  }
  return { values, bad, unknown }
}

type Raw = { kind: 'alone' } | { kind: 'quoted'; text: string } | { kind: 'bare'; text: string }

const PAIR = /\s*([^=,"\s]+)(?:=(?:"((?:[^"\\]|\\["\\])*)"|([^",]*)))?\s*(,|$)/y

/** What is left over is one bad pair, for where the next begins cannot be told. */
function pairsIn(text: string): { pairs: [name: string, raw: Raw][]; left: number } {
  const pairs: [string, Raw][] = []
  if (text.length > LONGEST_TEXT) return { pairs, left: 1 }
  PAIR.lastIndex = 0
  for (let at = 0; at < text.length; at = PAIR.lastIndex) {
    PAIR.lastIndex = at
    const [, name, quoted, bare] = PAIR.exec(text) ?? []
    if (name === undefined) return { pairs, left: text.slice(at).trim() === '' ? 0 : 1 }
    if (quoted !== undefined) pairs.push([name, { kind: 'quoted', text: quoted.replace(/\\(["\\])/g, '$1') }])
    else pairs.push([name, bare === undefined ? { kind: 'alone' } : { kind: 'bare', text: bare.trim() }])
  }
  return { pairs, left: 0 }
}

/** Undefined for what is not what the key has to be. */
function valueOf({ kind, words }: Key, raw: Raw): CmcdValue | undefined {
  if (kind === 'boolean') return booleanOf(raw)
  if (raw.kind === 'alone') return undefined
  const { text } = raw
  if (raw.kind === 'quoted') {
    const fits =
      kind === 'string'
        ? text.length <= LONGEST_STRING
        : kind === 'url'
          ? text.length <= LONGEST_URL
          : kind === 'range' && isRange(text)
    return fits && !/[\u0000-\u001f\u007f]/.test(text) ? text : undefined
  }
  if (kind === 'integer') return /^-?\d+$/.test(text) ? numberOf(text) : undefined
  if (kind === 'decimal') return /^-?\d+(?:\.\d+)?$/.test(text) ? numberOf(text) : undefined
  return kind === 'token' && words?.includes(text) === true ? text : undefined
}

/** True is said by the key alone. */
function booleanOf(raw: Raw): boolean | undefined {
  if (raw.kind === 'alone') return true
  if (raw.kind === 'quoted') return undefined
  return raw.text === 'true' ? true : raw.text === 'false' ? false : undefined
}

function numberOf(text: string): number | undefined {
  return text.replace(/[-.]/g, '').length > MOST_DIGITS ? undefined : Number(text)
}

/** One range of bytes as RFC 9110 has it, without its unit. */
function isRange(text: string): boolean {
  return /^(?:\d{1,15}-\d{0,15}|-\d{1,15})$/.test(text)
}
