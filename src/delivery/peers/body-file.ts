import { hash } from 'node:crypto'
import type { Filling, StoredObject } from '../../cache/index.ts'
import { KiB, type Bytes } from '../../core/index.ts'
import { fieldValue, type ByteRange, type CacheKey, type FlatHeaders } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'

/** A cache file of one process that another opens itself, in place of bytes over the socket (SEAMS 22). */
export interface BodyFile {
  path: string
  key: CacheKey
  /** Of the body in it. */
  length: Bytes
  /** Which bytes of that body are meant. */
  range: ByteRange
  /** Tells this version of the object from others under its key; empty for a slice, whose key says it. */
  mark: string
}

/** A shorter body is here sooner than a file is open. */
const LEAST: Bytes = 64 * KiB

/** Where the owner has these bytes on disk, or the first of them, if it is worth while to read that. */
export function fileWith(x: Exchange, range: ByteRange, fill?: Filling): BodyFile | undefined {
  if (known(x.asker, 'the asker').files === 'not-taken') return undefined
  const found = known(x.found, 'what was found')
  const object = 'object' in found ? found.object : undefined
  const piece = object
    ? { key: object.key, first: 0, length: object.body.length }
    : fill?.pieceAt?.(range.first)
  if (piece === undefined || piece.length < LEAST) return undefined
  const { key, length } = piece
  const first = range.first - piece.first
  const last = Math.min(range.last - piece.first, length - 1)
  // It is read whole, since it is believed only when every byte of it was looked at.
  if (2 * (last - first + 1) < length) return undefined
  const path = x.node.fileOf(key)
  if (path === undefined) return undefined
  return { path, key, length, range: { first, last }, mark: object ? markOf(object) : '' }
}

/** A digest of all but the body, which has a checksum of its own. */
export function markOf(object: StoredObject): string {
  const { key, sequence, status, headers, validators, bornAt, freshUntil, askedAt, body } = object
  const { etag, lastModified } = validators
  const told = [key, sequence, status, headers, etag, lastModified, bornAt, freshUntil, askedAt, body.length]
  return hash('sha256', JSON.stringify(told), 'base64url')
}

/** Stands in place of a body. */
export function fileFields({ path, key, length, range, mark }: BodyFile): string[] {
  const [place, name] = [path, key].map(text => Buffer.from(text).toString('base64url'))
  const value = `${range.first}-${range.last}/${length} ${place} ${name} ${mark}`
  return ['Sluice-File', value.trimEnd(), 'Content-Length', '0']
}

/** Undefined when the body came along. */
export function readFileField(headers: FlatHeaders): BodyFile | undefined {
  const value = fieldValue(headers, 'sluice-file') ?? ''
  const [, first, last, length, place = '', name = '', mark = ''] =
    /^(\d{1,15})-(\d{1,15})\/(\d{1,15}) ([\w-]+) ([\w-]+) ?([\w-]*)$/.exec(value) ?? []
  if (first === undefined) return undefined
  const [path = '', key = ''] = [place, name].map(text => Buffer.from(text, 'base64url').toString())
  return {
    ...{ path, key: key as CacheKey, length: Number(length), mark }, // the owner's own word
    range: { first: Number(first), last: Number(last) },
  }
}
