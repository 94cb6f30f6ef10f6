import { createHash } from 'node:crypto'
import { Rendition } from '../client/index.ts'
import { reader, Type, type AssetId, type Instant, type Milliseconds, type Static } from '../core/index.ts'
import { objectKey, type ObjectKey } from '../storage/index.ts'

/**
 * The served truth of an asset (SEAMS 30): one small object that is written last and replaced whole. What it names is
 * never overwritten.
 */
const ServedVersion = {
  version: Type.Integer({ minimum: 1 }),
  publishedAt: Type.Unsafe<Instant>(Type.Integer({ minimum: 0 })),
  durationSeconds: Type.Number({ minimum: 0 }),
  /** Object keys. */
  media: Type.String(),
  index: Type.String(),
  renditions: Type.Array(
    Type.Object({
      rendition: Rendition,
      track: Type.Integer({ minimum: 0 }),
      frameRate: Type.Optional(Type.Number()),
      channels: Type.Optional(Type.Integer()),
    }),
    { minItems: 1 },
  ),
}

const Retired = Type.Object({
  ...ServedVersion,
  /** Players that began with this version may go on until then. */
  deleteAfter: Type.Unsafe<Instant>(Type.Integer({ minimum: 0 })),
})

export const Pointer = Type.Object({
  format: Type.Literal(1),
  path: Type.String(),
  assetId: Type.Unsafe<AssetId>(Type.String()),
  ...ServedVersion,
  /** Newest first. */
  previous: Type.Array(Retired),
})
export type Pointer = Static<typeof Pointer>

/** One version of an asset and where it lies. */
export type Served = Omit<Static<typeof Retired>, 'deleteAfter'>

export const readPointer: (value: unknown) => Pointer = reader(Pointer, 'the pointer of an asset')

/** Where the pointer of a path lies; a viewer's path never becomes a key itself (SEAMS 3). */
export function pointerKey(path: string): ObjectKey {
  return objectKey('pointers', createHash('sha256').update(path).digest('hex'))
}

const DAY: Milliseconds = 86_400_000

/** The pointer after a version was published over what was there: the same asset's old versions live on for a while. */
export function withVersion(before: Pointer | undefined, next: Pointer, now: Instant): Pointer {
  if (before?.assetId !== next.assetId) return next
  const { version, publishedAt, durationSeconds, media, index, renditions } = before
  // A day, or twice the film for whoever pauses in the middle (SEAMS 30).
  const deleteAfter = (now + Math.max(DAY, Math.ceil(durationSeconds * 2000))) as Instant // a later instant
  const retired = { version, publishedAt, durationSeconds, media, index, renditions, deleteAfter }
  return { ...next, previous: [retired, ...before.previous].filter(old => old.version !== next.version) }
}

/** More replaced versions than this are not kept, however young: the pointer is read for every playlist. */
const MOST_PREVIOUS = 100

/** Splits off the versions whose time is over. */
export function expire(pointer: Pointer, now: Instant): { kept: Pointer; expired: number[] } {
  const previous = pointer.previous.slice(0, MOST_PREVIOUS).filter(old => old.deleteAfter > now)
  const expired = pointer.previous.filter(old => !previous.includes(old)).map(old => old.version)
  return { kept: { ...pointer, previous }, expired }
}

/** The version that has a rendition of this name; the newest where several do. */
export function versionWith(
  pointer: Pointer,
  name: string,
): { served: Served; stored: Served['renditions'][number] } | undefined {
  for (const served of [pointer, ...pointer.previous]) {
    const stored = served.renditions.find(({ rendition }) => rendition.name === name)
    if (stored) return { served, stored }
  }
  return undefined
}
