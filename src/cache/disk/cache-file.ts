import { crc32 } from 'node:zlib'
import { reader, Type } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { StoredObject } from '../contract.ts'
import { readWhole } from './whole-file.ts'

/** The first bytes of every file: what it is, then in which form. Raise the form when old files would be misread. */
const MAGIC = 'SluiceOb'
const FORM = 1
/** Magic, form, lengths of head and body, their checksums, and a checksum of all that. */
const PROLOGUE = 32

/** What the bytes of a file turned out to be. */
export type Decoded =
  | { kind: 'object'; object: StoredObject }
  /** Whole, but of another key with the same hash. */
  | { kind: 'other-key' }
  /** Not what was written: it cannot be used, by anybody. */
  | { kind: 'bad'; reason: BadFile }

export type BadFile = 'form' | 'length' | 'checksum' | 'head'

/** Fields that are not named here are kept as they are: others of this room add some. */
const readHead = reader(
  Type.Object({
    key: Type.String(),
    distributionId: Type.String(),
    path: Type.String(),
    sequence: Type.Number(),
    status: Type.Integer(),
    headers: Type.Array(Type.String()),
    validators: Type.Object({
      etag: Type.Optional(Type.String()),
      lastModified: Type.Optional(Type.String()),
    }),
    bornAt: Type.Number(),
    freshUntil: Type.Number(),
    staleOnError: Type.Boolean(),
    refreshUntil: Type.Optional(Type.Number()),
    staleUntil: Type.Optional(Type.Number()),
    askedAt: Type.Optional(Type.Number()),
    varies: Type.Optional(Type.Object({ names: Type.Array(Type.String()), generation: Type.String() })),
    large: Type.Optional(Type.Object({ length: Type.Number(), generation: Type.String() })),
    slice: Type.Optional(Type.Literal(true)),
  }),
  'the head of a cache file',
)

/** JSON has no word for a number without end. */
export function canBeWritten(object: StoredObject): boolean {
  return Object.values(object).every(value => typeof value !== 'number' || Number.isFinite(value))
}

/**
 * What stands in the file before the body, but for `sealHead`. Everything of an object but its body is plain JSON.
 */
export function encodeHead(object: StoredObject): Buffer {
  const { body, ...rest } = object
  const head = Buffer.from(JSON.stringify(rest))
  const whole = Buffer.alloc(PROLOGUE + head.length)
  whole.write(MAGIC, 'latin1')
  whole.writeUInt32LE(FORM, 8)
  whole.writeUInt32LE(head.length, 12)
  whole.writeUInt32LE(body.length, 16)
  whole.writeUInt32LE(crc32(head), 20)
  head.copy(whole, PROLOGUE)
  return whole
}

/** Puts the body's checksum into a head, which may be known only after the body has been written. */
export function sealHead(whole: Buffer, bodySum: number): void {
  whole.writeUInt32LE(bodySum, 24)
  whole.writeUInt32LE(crc32(whole.subarray(0, 28)), 28)
}

/** Reads a whole file, believing nothing. The object's body lies in `file`, which must not be changed any more. */
export function decodeFile(file: Buffer, key: CacheKey): Decoded {
  if (file.length < PROLOGUE) return { kind: 'bad', reason: 'length' }
  // Before the checksum, so that a later form is told from a broken file.
  if (file.toString('latin1', 0, 8) !== MAGIC || file.readUInt32LE(8) !== FORM)
    return { kind: 'bad', reason: 'form' }
  if (crc32(file.subarray(0, 28)) !== file.readUInt32LE(28)) return { kind: 'bad', reason: 'checksum' }
  const bodyAt = PROLOGUE + file.readUInt32LE(12)
  if (bodyAt + file.readUInt32LE(16) !== file.length) return { kind: 'bad', reason: 'length' }
  const head = file.subarray(PROLOGUE, bodyAt)
  const body = file.subarray(bodyAt)
  if (crc32(head) !== file.readUInt32LE(20) || crc32(body) !== file.readUInt32LE(24)) {
    return { kind: 'bad', reason: 'checksum' }
  }
  const fields = fieldsOf(head)
  if (fields === undefined) return { kind: 'bad', reason: 'head' }
  return fields.key === key ? { kind: 'object', object: { ...fields, body } } : { kind: 'other-key' }
}

function fieldsOf(head: Buffer): Omit<StoredObject, 'body'> | undefined {
  try {
    const read: unknown = readHead(JSON.parse(head.toString()))
    const fields = read as Omit<StoredObject, 'body'> // checked just now; brands were on it when it was written
    const { etag, lastModified } = fields.validators
    return { ...fields, validators: { etag, lastModified } }
  } catch {
    return undefined
  }
}

/**
 * The object of a file that a disk tier named, perhaps one of another process; verified before a byte of it is used.
 * Undefined when it is not there any more, is bad, or is of another key: its owner finds out by itself. Never rejects.
 */
export async function readCacheFile(path: string, key: CacheKey): Promise<StoredObject | undefined> {
  const read = await readWhole(path)
  if (read.kind !== 'read') return undefined
  const decoded = decodeFile(read.file, key)
  return decoded.kind === 'object' ? decoded.object : undefined
}
