import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { encodeIndex, type ByteSource, type Movie } from '../cmaf/index.ts'
import type { Failure, Progress } from '../client/index.ts'
import { SluiceError, type AssetId, type Seconds } from '../core/index.ts'
import { objectKey, type ObjectKey, type ObjectStore } from '../storage/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { openAttemptFolder, sweepAttempts, type AttemptFolder } from './attempt-folder.ts'
import type { Chosen } from './conforming.ts'
import { convert } from './convert.ts'
import { reapLeftovers } from './leftovers.ts'
import { localCopy } from './local-copy.ts'
import { withLocalFile } from './local-source.ts'
import { probe } from './probe.ts'
import { describeRenditions, servedMovie, type StoredRendition } from './renditions.ts'
import { storedSource } from './stored-source.ts'
import { findTools } from './tools.ts'

export interface PackagerOptions {
  store: ObjectStore
  /** A folder of this packager's own; attempts write there. */
  workDir: string
  /** Path of ffmpeg, or a name on PATH; looked for only when a file needs it. */
  ffmpeg?: string
  log: Logger
}

export interface PackageRequest {
  /** The uploaded file; the in-place kind of packaging moves it away. */
  source: ObjectKey
  assetId: AssetId
  version: number
  /** Names the attempt's folder: letters, digits, dashes. */
  attempt: string
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

export type PackageOutcome =
  | {
      kind: 'packaged'
      /** How it was done, for the log. */
      how: 'in-place' | 'remux' | 'encode'
      media: ObjectKey
      index: ObjectKey
      /** Pictures first. */
      renditions: StoredRendition[]
      durationSeconds: Seconds
    }
  /** The file is at fault, or this machine lacks what it needs; nothing is left of it, neither result nor upload. */
  | { kind: 'errored'; error: Failure }

/** Turns uploads into what segments are cut from. */
export interface Packager {
  /** Does away with what a killed predecessor left; once, before the first request. */
  start(): Promise<void>
  /**
   * Writes media and index of one version of an asset, and no pointer: nobody sees them yet. Can be asked again after
   * a kill at any moment. Throws what may pass by itself, and the signal's reason; the upload is still there then.
   */
  package(request: PackageRequest): Promise<PackageOutcome>
}

export function createPackager(options: PackagerOptions): Packager {
  const records = join(options.workDir, 'running')
  return {
    async start() {
      const ended = await reapLeftovers(records)
      const swept = await sweepAttempts(options.workDir)
      if (ended.length > 0 || swept > 0)
        options.log.info({ ended, swept }, 'leftovers of earlier attempts removed')
    },
    package: request => new Attempt(options, records, request).run(),
  }
}

/** Shares of the whole job in its progress. */
const PROBED = 0.02
const CONVERTED = 0.9

class Attempt {
  readonly #options: PackagerOptions
  readonly #records: string
  readonly #request: PackageRequest
  readonly #media: Record<'in-place' | 'converted' | 'index', ObjectKey>

  constructor(options: PackagerOptions, records: string, request: PackageRequest) {
    this.#options = options
    this.#records = records
    this.#request = request
    const folder = `assets/${request.assetId}/v${request.version}`
    this.#media = {
      'in-place': objectKey(folder, 'source.mp4'),
      converted: objectKey(folder, 'media.mp4'),
      index: objectKey(folder, 'index'),
    }
  }

  async run(): Promise<PackageOutcome> {
    const { attempt, source } = this.#request
    const folder = await openAttemptFolder(this.#options.workDir, attempt)
    try {
      const outcome = await this.#package(folder)
      if (outcome.kind === 'errored') await this.#discard()
      return outcome
    } catch (error) {
      if (isFinal(error)) {
        await this.#discard()
        return errored(error.code, error.message)
      }
      // Until the upload has moved, what was written is of no use to the next attempt.
      if (await this.#options.store.head(source)) await this.#deleteVersion()
      throw error
    } finally {
      await folder.remove()
    }
  }

  async #package(folder: AttemptFolder): Promise<PackageOutcome> {
    const { store, log } = this.#options
    const { signal } = this.#request
    signal?.throwIfAborted()
    this.#report('probing', 0)
    // An attempt that was killed after the move left the upload here.
    const key = (await store.head(this.#request.source)) ? this.#request.source : this.#media['in-place']
    const source = await storedSource(store, key)
    if (!source) return errored('upload-missing', 'the uploaded file is gone: publish it again')
    let local: Promise<string> | undefined
    const localPath = () => (local ??= this.#localPath(key, folder))
    const tools = () => findTools(this.#options.ffmpeg)
    const shared = { records: this.#records, ...(signal === undefined ? {} : { signal }) }
    const probed = await probe({ source, localPath, tools, ...shared })
    switch (probed.kind) {
      case 'refused':
        return errored(probed.code, probed.why)
      case 'conforming':
        log.info({ plan: 'in-place', notes: probed.chosen.notes }, 'planned')
        return this.#publishInPlace(key, source, probed.movie, probed.chosen)
      case 'convertible': {
        this.#report('probing', PROBED)
        const output = folder.path('media.mp4')
        const converted = await convert({
          ...shared,
          file: probed.file,
          faults: probed.faults,
          input: await localPath(),
          output,
          tools: await tools(),
          onPlan: ({ kind, why, notes }) => log.info({ plan: kind, why, notes }, 'planned'),
          onProgress: (stage, fraction) => this.#report(stage, PROBED + fraction * (CONVERTED - PROBED)),
        })
        if (converted.kind === 'refused') return errored(converted.code, converted.why)
        return this.#publishConverted(output, converted.plan.kind, converted.movie, converted.chosen)
      }
    }
  }

  async #publishInPlace(
    key: ObjectKey,
    source: ByteSource,
    movie: Movie,
    chosen: Chosen,
  ): Promise<PackageOutcome> {
    const { store } = this.#options
    const media = this.#media['in-place']
    const described = await this.#index(movie, chosen, source)
    this.#request.signal?.throwIfAborted()
    if (key !== media) await store.move(key, media)
    return { kind: 'packaged', how: 'in-place', media, index: this.#media.index, ...described }
  }

  async #publishConverted(
    output: string,
    how: 'remux' | 'encode',
    movie: Movie,
    chosen: Chosen,
  ): Promise<PackageOutcome> {
    const { store } = this.#options
    const media = this.#media.converted
    this.#report('indexing', CONVERTED)
    await store.put(media, createReadStream(output, { signal: this.#request.signal }))
    const described = await withLocalFile(output, source => this.#index(movie, chosen, source))
    this.#request.signal?.throwIfAborted()
    return { kind: 'packaged', how, media, index: this.#media.index, ...described }
  }

  async #index(
    movie: Movie,
    chosen: Chosen,
    source: ByteSource,
  ): Promise<{ renditions: StoredRendition[]; durationSeconds: Seconds }> {
    const served = servedMovie(movie, chosen)
    const index = encodeIndex(served)
    this.#report('indexing', 0.95)
    const renditions = await describeRenditions(served, index, source)
    await this.#options.store.put(this.#media.index, index)
    this.#report('indexing', 1)
    const durationSeconds = Math.max(...renditions.map(({ rendition }) => rendition.durationSeconds))
    return { renditions, durationSeconds }
  }

  /** Where ffmpeg can read the upload: in the store itself, or a copy that goes with the attempt. */
  async #localPath(key: ObjectKey, folder: AttemptFolder): Promise<string> {
    const { store } = this.#options
    const { signal } = this.#request
    return store.localPath(key) ?? localCopy({ store, key, to: folder.path('upload'), signal })
  }

  #report(stage: Progress['stage'], fraction: number): void {
    this.#request.onProgress?.({ stage, fraction: Math.min(1, fraction) })
  }

  async #deleteVersion(): Promise<void> {
    await this.#options.store.deleteAll(`assets/${this.#request.assetId}/v${this.#request.version}/`)
  }

  async #discard(): Promise<void> {
    await this.#deleteVersion()
    await this.#options.store.delete(this.#request.source)
  }
}

/** Not worth another attempt: only a person can mend it. */
function isFinal(error: unknown): error is SluiceError {
  return error instanceof SluiceError && ['ffmpeg-missing', 'storage-full'].includes(error.code)
}

function errored(code: string, message: string): PackageOutcome {
  return { kind: 'errored', error: { code, message } }
}
