import { S3Client } from '@aws-sdk/client-s3'
import { pause, Turnstile, type Milliseconds } from '../../core/index.ts'
import type { S3Options } from '../contract.ts'
import { away, isPassing, storeError } from './failure.ts'

// The package tells everybody who starts anything when it will leave a version of Node; whoever updates it reads that.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

/**
 * Requests at once, of each kind, so that uploads never keep viewers waiting. A segment takes one or two, and the origin
 * makes twelve at a time; whoever finds the row full is told `overloaded`.
 */
const READS_AT_ONCE = { width: 32, queue: 2_000, busy: 'too much is read from the bucket at once: try again' }
const WRITES_AT_ONCE = {
  width: 16,
  queue: 2_000,
  busy: 'too much is written to the bucket at once: try again',
}

/** With room for whole objects, which take no turn: whoever reads one may do so for hours. */
const AGENT = { keepAlive: true, maxSockets: READS_AT_ONCE.width + WRITES_AT_ONCE.width + 16 }
const CONNECT_WITHIN: Milliseconds = 3_000
/** Before the one retry, with as much again at random: a store that says SlowDown wants all to slow down, not in step. */
const BACK_OFF: Milliseconds = 100

export interface Asking {
  /** Whose absence `object-not-found` means. */
  key?: string
  turn: 'read' | 'write'
  /** Without a sign of life for this long it is given up: a store that hangs is not asked again by us. */
  patience: Milliseconds
}

/** To be called whenever bytes come: the patience begins anew. */
export type Alive = () => void

/** The bucket: one client, its limits, and what its errors mean. */
export class Bucket {
  readonly options: S3Options
  readonly #client: S3Client
  readonly #turns = { read: new Turnstile(READS_AT_ONCE), write: new Turnstile(WRITES_AT_ONCE) }

  constructor(options: S3Options) {
    this.options = options
    const { endpoint, region, addressing, accessKeyId, secretAccessKey } = options
    this.#client = new S3Client({
      ...(endpoint === undefined ? {} : { endpoint }),
      region,
      forcePathStyle: addressing === 'path',
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 1,
      // Stores that are older than Amazon's checksums take none; the signature covers what we send in any case.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_SUPPORTED',
      requestHandler: { connectionTimeout: CONNECT_WITHIN, httpAgent: AGENT, httpsAgent: AGENT },
    })
  }

  /** Names an object of the bucket. */
  at(key: string, room: 'objects' | 'growing' = 'objects'): { Bucket: string; Key: string } {
    return { Bucket: this.options.bucket, Key: `${this.options.prefix}${room}/${key}` }
  }

  /**
   * Asks, and once more when the first try failed for a reason that passes; so `work` must be able to run twice. Throws
   * errors of the contract.
   */
  async ask<T>(
    asking: Asking,
    work: (client: S3Client, control: { abortSignal: AbortSignal }, alive: Alive) => Promise<T>,
  ): Promise<T> {
    return this.#turns[asking.turn].pass(async () => {
      try {
        return await this.#try(asking, work)
      } catch (error) {
        if (!isPassing(error)) throw storeError(error, this.options, asking.key)
      }
      await pause(BACK_OFF * (1 + Math.random()))
      try {
        return await this.#try(asking, work)
      } catch (error) {
        throw storeError(error, this.options, asking.key)
      }
    })
  }

  async #try<T>(asking: Asking, work: Parameters<typeof this.ask<T>>[1]): Promise<T> {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), asking.patience)
    try {
      return await work(this.#client, { abortSignal: controller.signal }, () => timer.refresh())
    } catch (error) {
      if (!controller.signal.aborted) throw error
      throw away(this.options, `it said nothing for ${asking.patience / 1000} s`)
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    this.#client.destroy()
  }
}
