import {
  cutSegments,
  decodeIndex,
  memoryOf,
  type ByteSource,
  type MediaTrack,
  type Movie,
  type Segment,
} from '../cmaf/index.ts'
import { codeOf, Lru, MiB, SluiceError, type Bytes } from '../core/index.ts'
import { reindex, TARGET_SEGMENT } from '../packager/index.ts'
import { Blocks, objectKey, type ObjectKey, type ObjectStore } from '../storage/index.ts'
import type { Served } from './pointer.ts'

/** A movie that is ready to be cut. */
export interface OpenMovie {
  tracks: { track: MediaTrack; segments: Segment[] }[]
  source: ByteSource
}

/** Holds the largest movie that can be published, with some others. */
const MEMORY: Bytes = 256 * MiB
const SEGMENT_COST: Bytes = 160

/** Indexes of movies, decoded and kept within a bound of bytes; opened once however many ask. */
export class Movies {
  readonly #store: ObjectStore
  readonly #open: Lru<string, OpenMovie>
  readonly #opening = new Map<string, Promise<OpenMovie>>()
  /** Of a store that is far away. */
  readonly #blocks: Blocks | undefined

  constructor(store: ObjectStore, memory: Bytes = MEMORY) {
    this.#store = store
    this.#open = new Lru({ maxSize: memory })
    if (store.reach === 'far') this.#blocks = new Blocks(store)
  }

  /** Bytes that decoded indexes, and what was read from afar, hold just now. */
  get memory(): Bytes {
    return this.#open.calculatedSize + (this.#blocks?.memory ?? 0)
  }

  async open(served: Served): Promise<OpenMovie> {
    // Media keys carry asset and version and are never overwritten, so a key is the identity of a movie.
    const known = this.#open.get(served.index) ?? this.#opening.get(served.index)
    if (known) return known
    const opening = this.#read(served)
    this.#opening.set(served.index, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(served.index)
    }
  }

  #source(media: ObjectKey, size: Bytes): ByteSource {
    const read = (start: Bytes, length: Bytes): Promise<Uint8Array> => this.#store.read(media, start, length)
    return this.#blocks?.source(media, size) ?? { size, read }
  }

  async #read(served: Served): Promise<OpenMovie> {
    const index = objectKey(served.index)
    const media = objectKey(served.media)
    const [indexInfo, mediaInfo] = await Promise.all([this.#store.head(index), this.#store.head(media)])
    if (!indexInfo || !mediaInfo) {
      throw new SluiceError('media-missing', `the stored film ${served.media} is gone: publish it again`, {
        side: 'operator',
      })
    }
    const source = this.#source(media, mediaInfo.size)
    const movie = await decode(await this.#store.read(index, 0, indexInfo.size), source)
    const tracks = cutSegments(movie, { targetSeconds: TARGET_SEGMENT })
    const opened: OpenMovie = { tracks, source }
    const segments = tracks.reduce((sum, track) => sum + track.segments.length, 0)
    this.#open.set(served.index, opened, { size: Math.ceil(memoryOf(movie) + segments * SEGMENT_COST) })
    return opened
  }
}

/** An index that another version of the program wrote, or that a disk has damaged, is made anew from the film. */
async function decode(index: Uint8Array, source: ByteSource): Promise<Movie> {
  try {
    return decodeIndex(index)
  } catch (error) {
    const movie = ['index-version', 'index-damaged'].includes(codeOf(error) ?? '')
      ? await reindex(source)
      : undefined
    if (!movie) throw error
    return movie
  }
}
