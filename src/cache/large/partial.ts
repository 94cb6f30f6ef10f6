import { SluiceError, type Bytes } from '../../core/index.ts'
import {
  askedRanges,
  dateOf,
  fieldValue,
  judgeStorability,
  listMembers,
  parseContentRange,
  strongValidator,
  withoutFields,
  type Bounds,
  type ByteRange,
  type FlatHeaders,
} from '../../http/index.ts'
import type { CacheRequest, StoredObject, UpstreamAnswer } from '../contract.ts'
import { contentLength, validatorsOf } from '../declared.ts'

/** What an answer is to whoever asked for the first slice of an object that he knows nothing of. */
export type Partial =
  /** No 206: what any question might have been answered with. */
  | { kind: 'other'; answer: UpstreamAnswer }
  /** All of the object, as a 200. */
  | { kind: 'complete'; answer: UpstreamAnswer }
  /** A slice of a large object; head as of a 200. */
  | { kind: 'slice'; answer: UpstreamAnswer; range: ByteRange; length: Bytes }
  /** Nothing that others could use: a part of nobody knows what, or a 416 that is none to the viewer's own question. */
  | { kind: 'loose'; answer: UpstreamAnswer }
  /** To a viewer's own range, or a 416 to any: for him alone. */
  | { kind: 'own'; answer: UpstreamAnswer }
  /** There is an object, and not one byte of it; nothing of it could be asked for by range. */
  | { kind: 'empty' }

/** Reads an answer to a question with or without Range; throws when it is a 206 of something else. */
export function readPartial(
  answer: UpstreamAnswer,
  wanted: ByteRange | 'own' | undefined,
  request: Pick<CacheRequest, 'range' | 'ifRange'>,
): Partial {
  const { status } = answer
  if (wanted === 'own' && (status === 206 || status === 416)) return { kind: 'own', answer }
  if (status === 416 && wanted !== undefined) return readUnsatisfied(answer, request)
  if (status !== 206) return { kind: 'other', answer }
  const asked = wanted === 'own' ? undefined : wanted
  const part = parseContentRange(fieldValue(answer.headers, 'content-range'))
  if (part === undefined || part.first !== asked?.first || part.last > asked.last) {
    answer.destroy()
    throw new SluiceError('upstream-unasked', 'the origin answered 206 with a part that nobody asked for', {
      side: 'upstream',
    })
  }
  const { first, last, length } = part
  if (length === undefined) return { kind: 'loose', answer }
  const whole = asWhole(answer, length)
  if (first === 0 && last === length - 1) return { kind: 'complete', answer: whole }
  if (last !== Math.min(asked.last, length - 1) || validatorOf(answer) === undefined)
    return { kind: 'loose', answer }
  return { kind: 'slice', answer: whole, range: { first, last }, length }
}

function readUnsatisfied(
  answer: UpstreamAnswer,
  { range, ifRange }: Pick<CacheRequest, 'range' | 'ifRange'>,
): Partial {
  if (fieldValue(answer.headers, 'content-range')?.trim() !== 'bytes */0') {
    // Under If-Range it may be the whole that is due (RFC 9110 §13.1.5), and one range of several that fits is enough.
    const isHis = ifRange === undefined && askedRanges(range)?.length === 1
    return { kind: isHis ? 'own' : 'loose', answer }
  }
  answer.destroy()
  return { kind: 'empty' }
}

function asWhole(answer: UpstreamAnswer, length: Bytes): UpstreamAnswer {
  const headers = withoutFields(answer.headers, OF_THE_PART)
  return { ...answer, status: 200, headers: [...headers, 'Content-Length', String(length)] }
}

const OF_THE_PART: ReadonlySet<string> = new Set(['content-range', 'content-length'])

/** How an answer to the question for some bytes of a known version is to be taken. */
export type SliceVerdict =
  | { kind: 'part'; length: Bytes | undefined }
  /** The whole of the same version: its origin does not heed ranges. */
  | { kind: 'whole' }
  /** The origin has another version, or none any more. */
  | { kind: 'changed' }
  /** Not an answer to this question. */
  | { kind: 'refused' }

export interface KnownVersion {
  validator: string
  /** Undefined while nobody knows. */
  length: Bytes | undefined
}

export function judgeSlice(answer: UpstreamAnswer, asked: ByteRange, known: KnownVersion): SliceVerdict {
  const { status, headers } = answer
  if (status === 200) {
    const length = contentLength(headers)
    const same = validatorOf(answer) === known.validator && (length ?? known.length) === known.length
    return { kind: same ? 'whole' : 'changed' }
  }
  if ([404, 410, 412, 416].includes(status)) return { kind: 'changed' }
  const part = status === 206 ? parseContentRange(fieldValue(headers, 'content-range')) : undefined
  if (part === undefined) return { kind: 'refused' }
  if (!isOf(headers, known.validator)) return { kind: 'changed' }
  if (known.length !== undefined && part.length !== undefined && part.length !== known.length)
    return { kind: 'changed' }
  const last = Math.min(asked.last, (known.length ?? part.length ?? Infinity) - 1)
  if (part.first !== asked.first || part.last !== last) return { kind: 'refused' }
  return { kind: 'part', length: known.length ?? part.length }
}

/** Whether the origin lets a part be handed to others: what it says of that counts anew with each answer. */
export function mayBeShared(answer: UpstreamAnswer, bounds: Bounds): boolean {
  const verdict = judgeStorability({ ...answer, status: 200 }, bounds)
  // Lifetimes and cookies were judged with the description; a part need not say them again (RFC 9110 §15.3.7).
  return verdict.kind === 'store' || !['no-store', 'private', 'authorization'].includes(verdict.reason)
}

/** A part may leave its date out where it was asked for by that date (RFC 9110 §15.3.7), never its tag. */
function isOf(headers: FlatHeaders, validator: string): boolean {
  const etag = fieldValue(headers, 'etag')
  if (validator.startsWith('"')) return etag === validator
  const modified = fieldValue(headers, 'last-modified')
  return etag === undefined && (modified === undefined || modified === validator)
}

/** What ties the parts of this answer together; undefined when nothing does. */
export function validatorOf(
  answer: Pick<UpstreamAnswer, 'headers' | 'requestedAt' | 'respondedAt'>,
): string | undefined {
  const validators = validatorsOf(answer.headers)
  // No date makes a tag stronger, and reading one costs more than all the rest.
  return strongValidator(validators, validators.etag === undefined ? dateOf(answer) : answer.respondedAt)
}

/** As `validatorOf`, of what is in store. */
export function validatorOfStored({
  headers,
  bornAt,
}: Pick<StoredObject, 'headers' | 'bornAt'>): string | undefined {
  return validatorOf({ headers, requestedAt: bornAt, respondedAt: bornAt })
}

/** Whether an origin says that it serves ranges of this. */
export function servesRanges(headers: FlatHeaders): boolean {
  const units = listMembers(fieldValue(headers, 'accept-ranges') ?? '')
  return units.some(unit => unit.toLowerCase() === 'bytes')
}
