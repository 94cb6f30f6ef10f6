import type { Bytes, Instant, Milliseconds, SluiceError } from '../../core/index.ts'
import type { StoredObject } from '../contract.ts'

/** When something was asked for, which decides whether it may still be used. */
export interface Asked {
  sequence: number
  askedAt: Instant
}

export interface GenerationOptions {
  size: Bytes
  /** Undefined where nothing ties slices together: they are then kept for those who read along, and for nobody else. */
  validator: string | undefined
  /** Undefined while nobody knows. */
  length: Bytes | undefined
  /** Longer ones are not served. */
  limit: Bytes
  /** Slices that a transfer may run ahead of its fastest reader, `MOST_AHEAD` at most. */
  ahead: () => number
  /** Whether there is no memory for another transfer: then a reader gets his bytes past the slices. */
  isCrowded: () => boolean
  /** From store, if it may still be used. */
  load: (index: number) => StoredObject | undefined | Promise<StoredObject | undefined>
  keep: (index: number, bytes: Buffer, asked: Asked) => void
  isUsable: (asked: Asked) => boolean
  now: () => Asked
  /** Nobody reads, and nothing is on its way. */
  idle: () => void
  /** The origin says of a part that it is for one viewer alone, or not to be kept. */
  unshared: () => void
  /** The origin has another version. */
  changed: (error: SluiceError) => void
  /** It has ended, and this is how long it is. */
  ended: (length: Bytes) => void
  /** So long does a transfer wait for its first reader; longer while `isAwaited` says that one is on his way. */
  patience: Milliseconds
  isAwaited?: () => boolean
}
