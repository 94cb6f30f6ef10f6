import { createWriteStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FileStore } from '@tus/file-store'
import { Server, Upload, type Lock, type Locker } from '@tus/server'
import { messageOf, MiB, SluiceError, type Bytes, type PublicationId } from '../core/index.ts'
import type { ObjectStore } from '../storage/index.ts'
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
 * The door to tus. The file that grows is the storage object `uploads/<publication>` itself, its size is the offset,
 * and what was announced stands in the database: nothing else has to survive a crash.
 */
export function createUploads(options: UploadsOptions): UploadHandler {
  const place = options.store.localPath(uploadKey('any' as PublicationId)) // only its folder is looked at
  if (place === undefined) {
    throw new SluiceError('no-uploads', 'uploads need storage on a filesystem: set the storage folder', {
      side: 'operator',
    })
  }
  const datastore = new GatheringStore(dirname(place), {
    removed: id => options.cancelled(id as PublicationId), // the route let only publications through
    configstore: {
      async get(id) {
        const announced = await options.announced(id)
        if (announced === undefined) return undefined
        const { size, state } = announced
        return new Upload({ id, size, offset: state === 'whole' ? size : 0 })
      },
      set: async () => {},
      delete: async () => {},
    },
  })
  const server = new Server({
    path: UPLOADS_PATH,
    datastore,
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
      const status = 'status_code' in error ? error.status_code : 500
      const said = 'body' in error ? error.body.trim() : 'the upload could not be stored'
      if (!('status_code' in error)) options.log.error({ error: messageOf(error) }, 'upload failed')
      return {
        status_code: status,
        body: JSON.stringify({ error: { code: 'upload-refused', message: said } }),
      }
    },
  })
  return (request, response) => server.handle(request, response)
}

/** What arrives while a write is under way is written at once behind it; the package's own store writes each 64 KiB. */
const GATHERED: Bytes = 1 * MiB

class GatheringStore extends FileStore {
  readonly #removed: (id: string) => Promise<void>

  constructor(
    directory: string,
    options: { configstore: FileStore['configstore']; removed(id: string): Promise<void> },
  ) {
    super({ directory, configstore: options.configstore })
    this.#removed = id => options.removed(id)
  }

  override async getUpload(id: string): Promise<Upload> {
    const announced = await this.configstore.get(id)
    return announced !== undefined && announced.offset === announced.size ? announced : super.getUpload(id)
  }

  override async remove(id: string): Promise<void> {
    await super.remove(id)
    await this.#removed(id)
  }

  override async write(body: Readable, id: string, offset: Bytes): Promise<Bytes> {
    const file = createWriteStream(join(this.directory, id), {
      flags: 'r+',
      start: offset,
      highWaterMark: GATHERED,
    })
    await pipeline(body, file)
    return offset + file.bytesWritten
  }
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
