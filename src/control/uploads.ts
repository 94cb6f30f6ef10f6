import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { DataStore, Server, Upload, type Lock, type Locker } from '@tus/server'
import {
  codeOf,
  messageOf,
  SluiceError,
  STATUS_OF_KIND,
  type Bytes,
  type PublicationId,
} from '../core/index.ts'
import type { ObjectKey, ObjectStore } from '../storage/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { uploadKey } from './publishing.ts'

export const UPLOADS_PATH = '/v1/uploads'

export interface UploadsOptions {
  store: ObjectStore
  /** What was announced; undefined for what may not be uploaded to. */
  announced(id: string): Promise<Announced | undefined>
  /** Awaited before the last answer, so that an upload that was acknowledged has its job queued. */
  uploaded(id: PublicationId): Promise<void>
  /** The bytes are gone since the uploader gave up; awaited before that is answered. */
  cancelled(id: PublicationId): Promise<void>
  log: Logger
}

export interface Announced {
  size: Bytes
  /** `whole`: its bytes may have moved on. Who waited while another sent the end is told so, not that nothing is there. */
  state: 'uploading' | 'whole'
}

/** Answers HEAD, PATCH, DELETE and OPTIONS of tus 1.0 for one upload. Creation is not tus here: `POST /v1/assets`. */
export type UploadHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * The door to tus. What is there of an upload is a growing object of the store, and what was announced stands in the
 * database: nothing else has to survive a crash.
 */
export function createUploads(options: UploadsOptions): UploadHandler {
  const server = new Server({
    path: UPLOADS_PATH,
    datastore: new GrowingStore(options),
    locker: new QueueLocker(),
    relativeLocation: true,
    // Its bytes are a job's by then.
    disableTerminationForFinishedUploads: true,
    getFileIdFromRequest: request => new URL(request.url).pathname.split('/').pop(),
    async onUploadFinish(_request, { id }) {
      await options.uploaded(id as PublicationId) // the route let only publications through
      return {}
    },
    onResponseError(_request, error) {
      const refusal =
        'status_code' in error ? { status: error.status_code, said: error.body.trim() } : undefined
      const { status, said } = refusal ?? refusalOf(error)
      if (refusal === undefined)
        options.log.error({ error: messageOf(error), code: codeOf(error) }, 'upload failed')
      return {
        status_code: status,
        body: JSON.stringify({ error: { code: 'upload-refused', message: said } }),
      }
    },
  })
  return (request, response) => server.handle(request, response)
}

/** A store that is away for a moment, or has more bytes than was thought, is no reason to give up. */
function refusalOf(error: unknown): { status: number; said: string } {
  if (!(error instanceof SluiceError)) return { status: 500, said: 'the upload could not be stored' }
  return { status: STATUS_OF_KIND[error.kind], said: error.message }
}

/** The store's growing objects in the package's words. */
class GrowingStore extends DataStore {
  readonly #options: UploadsOptions

  constructor(options: UploadsOptions) {
    super()
    this.#options = options
    this.extensions = ['termination']
  }

  override async getUpload(id: string): Promise<Upload> {
    const announced = await this.#options.announced(id)
    if (announced === undefined) throw gone('there is no such upload: publish begins one')
    const { size, state } = announced
    if (state === 'whole') return new Upload({ id, size, offset: size })
    const offset = await this.#options.store.growing.arrived(keyOf(id))
    if (offset === undefined) throw gone('what was uploaded is gone from storage: publish again')
    return new Upload({ id, size, offset })
  }

  override write(body: Readable, id: string, offset: Bytes): Promise<Bytes> {
    return this.#options.store.growing.append(keyOf(id), offset, body)
  }

  override async remove(id: string): Promise<void> {
    await this.#options.store.growing.abandon(keyOf(id))
    await this.#options.cancelled(id as PublicationId) // the route let only publications through
  }
}

function gone(sentence: string): SluiceError {
  return new SluiceError('upload-lost', sentence, { kind: 'not-found' })
}

function keyOf(id: string): ObjectKey {
  return uploadKey(id as PublicationId) // the route let only publications through
}

/** One request at a time for each upload; who comes next asks the one before to end and waits for it, without spinning. */
class QueueLocker implements Locker {
  readonly #holders = new Map<string, Holder>()

  newLock(id: string): Lock {
    let mine: Holder | undefined
    return {
      lock: async (signal, requestRelease) => {
        for (;;) {
          const before = this.#holders.get(id)
          if (!before) break
          await before.requestRelease()
          await Promise.race([before.released, aborted(signal)])
          signal.throwIfAborted()
        }
        let release = (): void => {}
        const released = new Promise<void>(resolve => (release = resolve))
        mine = { requestRelease: () => requestRelease(), released, release }
        this.#holders.set(id, mine)
      },
      unlock: async () => {
        if (mine && this.#holders.get(id) === mine) this.#holders.delete(id)
        mine?.release()
        return Promise.resolve()
      },
    }
  }
}

interface Holder {
  requestRelease(): void | Promise<void>
  released: Promise<void>
  release(): void
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
