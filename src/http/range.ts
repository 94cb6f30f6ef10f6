import type { Bytes } from '../core/index.ts'

/** First and last byte, both included, as Content-Range counts. */
export interface ByteRange {
  first: Bytes
  last: Bytes
}

/** One range as it is asked for, while the length may not be known: the last `suffix` bytes, or from `first` on. */
export type AskedRange = { suffix: Bytes } | { first: Bytes; last: Bytes | undefined }

export type RangeRequest =
  /** None, or one that RFC 9110 §14.2 lets us ignore: another unit, bad syntax, several ranges. */
  { kind: 'whole' } | { kind: 'range'; range: ByteRange } | { kind: 'unsatisfiable' }

export type RangesRequest =
  | { kind: 'whole' }
  /** Ascending, none touching another; at least one. */
  | { kind: 'ranges'; ranges: ByteRange[] }
  | { kind: 'unsatisfiable' }

/** Whoever asks for more at once is given the whole (RFC 9110 §17.15). */
const MOST_RANGES = 16

/** With the empty ones between them, which count as nothing (RFC 9110 §5.6.1). */
const MOST_PARTS = 4 * MOST_RANGES

const ONE_RANGE = /^(\d*)-(\d*)$/

/** Reads Range; undefined where it is to be ignored (RFC 9110 §14.2): absent, another unit, bad syntax, too many. */
export function askedRanges(header: string | undefined): AskedRange[] | undefined {
  if (header === undefined || !/^bytes=/i.test(header)) return undefined
  const parts = header.slice('bytes='.length).split(',', MOST_PARTS + 1)
  if (parts.length > MOST_PARTS) return undefined
  const asked: AskedRange[] = []
  for (const part of parts) {
    const text = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (text === '') continue
    const one = askedRange(text)
    if (one === undefined || asked.length === MOST_RANGES) return undefined
    asked.push(one)
  }
  return asked.length === 0 ? undefined : asked
}

function askedRange(text: string): AskedRange | undefined {
  const [, first, last] = ONE_RANGE.exec(text) ?? []
  if (first === undefined || last === undefined || text === '-') return undefined
  if (first === '') return { suffix: Number(last) }
  if (last === '') return { first: Number(first), last: undefined }
  return Number(last) < Number(first) ? undefined : { first: Number(first), last: Number(last) }
}

/**
 * Reads Range against a length. Ranges that overlap or touch become one, so that together they are never longer than
 * the object (RFC 9110 §15.3.7.2); those behind its end are left out.
 */
export function parseRanges(header: string | undefined, length: Bytes): RangesRequest {
  const asked = askedRanges(header)
  if (asked === undefined) return { kind: 'whole' }
  const ranges = asked.flatMap(one => within(one, length)).sort((one, other) => one.first - other.first)
  const apart: ByteRange[] = []
  for (const range of ranges) {
    const before = apart.at(-1)
    if (before !== undefined && range.first <= before.last + 1)
      before.last = Math.max(before.last, range.last)
    else apart.push({ ...range })
  }
  return apart.length === 0 ? { kind: 'unsatisfiable' } : { kind: 'ranges', ranges: apart }
}

function within(asked: AskedRange, length: Bytes): ByteRange[] {
  if ('suffix' in asked) {
    if (asked.suffix === 0 || length === 0) return []
    return [{ first: Math.max(0, length - asked.suffix), last: length - 1 }]
  }
  if (asked.first >= length) return []
  return [{ first: asked.first, last: Math.min(asked.last ?? Infinity, length - 1) }]
}

/** As `parseRanges`, for whoever answers several ranges with the whole. */
export function parseRange(header: string | undefined, length: Bytes): RangeRequest {
  const asked = askedRanges(header)
  const [one] = asked ?? []
  if (one === undefined || asked?.length !== 1) return { kind: 'whole' }
  const [range] = within(one, length)
  return range === undefined ? { kind: 'unsatisfiable' } : { kind: 'range', range }
}

export function contentRange(range: ByteRange, length: Bytes): string {
  return `bytes ${range.first}-${range.last}/${length}`
}

/** Content-Range of a 206 (RFC 9110 §14.4); `length` is undefined where it says `*`. Undefined when it cannot be read. */
export function parseContentRange(
  value: string | undefined,
): (ByteRange & { length: Bytes | undefined }) | undefined {
  const [, first, last, length] =
    /^bytes[ \t]+(\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value?.trim() ?? '') ?? []
  if (first === undefined || last === undefined || length === undefined) return undefined
  const range = {
    first: Number(first),
    last: Number(last),
    length: length === '*' ? undefined : Number(length),
  }
  return range.first <= range.last && range.last < (range.length ?? Infinity) ? range : undefined
}
