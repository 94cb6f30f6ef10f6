import type { Bytes } from '../core/index.ts'

/** First and last byte, both included, as Content-Range counts. */
export interface ByteRange {
  first: Bytes
  last: Bytes
}

export type RangeRequest =
  /** None, or one that RFC 9110 §14.2 lets us ignore: another unit, bad syntax, several ranges. */
  { kind: 'whole' } | { kind: 'range'; range: ByteRange } | { kind: 'unsatisfiable' }

/**
 * Reads Range against a length. Several ranges are answered with the whole object, as CloudFront does for what it
 * does not split.
 */
export function parseRange(header: string | undefined, length: Bytes): RangeRequest {
  if (header === undefined) return { kind: 'whole' }
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header)
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' }
  if (match[1] === '') {
    const suffix = Number(match[2])
    if (suffix === 0 || length === 0) return { kind: 'unsatisfiable' }
    return { kind: 'range', range: { first: Math.max(0, length - suffix), last: length - 1 } }
  }
  const first = Number(match[1])
  const last = match[2] === '' ? length - 1 : Number(match[2])
  if (match[2] !== '' && last < first) return { kind: 'whole' }
  if (first >= length) return { kind: 'unsatisfiable' }
  return { kind: 'range', range: { first, last: Math.min(last, length - 1) } }
}

export function contentRange(range: ByteRange, length: Bytes): string {
  return `bytes ${range.first}-${range.last}/${length}`
}
