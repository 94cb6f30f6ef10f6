import {
  MiB,
  KiB,
  pause,
  SluiceError,
  systemClock,
  type Bytes,
  type Clock,
  type Milliseconds,
} from '../core/index.ts'
import { away, errorOf, type Connection } from './request.ts'

/** What is uploaded; read in order, and again from an earlier place after a lost connection. */
export interface UploadSource {
  size: Bytes
  read(start: Bytes, length: Bytes): Promise<Uint8Array>
}

export interface UploadOptions {
  signal?: AbortSignal
  onProgress?(sent: Bytes, total: Bytes): void
  /** For tests. */
  clock?: Clock
}

/** Chunks end where multiples of it do: storage that keeps parts takes them as they come then. */
const LARGEST_CHUNK: Bytes = 8 * MiB
const SMALLEST_CHUNK: Bytes = 64 * KiB
/** Without a byte of progress for this long the upload is given up. */
const PATIENCE: Milliseconds = 60_000
const FIRST_PAUSE: Milliseconds = 100
const LONGEST_PAUSE: Milliseconds = 2_000
/** A chunk's own limit; chunks shrink on slow lines long before they meet it. */
const CHUNK_LIMIT: Milliseconds = 60_000

/** What another try may mend: a lost connection, control restarting, an offset that moved, a lock still held. */
const RETRIED = new Set([409, 423, 429, 500, 502, 503, 504])

/**
 * tus 1.0: asks for the offset, sends from there, asks again after each failure. Resumes over lost connections and
 * restarts of control; throws SluiceError `upload-stalled` after 60 s without progress, else the server's error.
 */
export async function uploadByTus(
  connection: Connection,
  path: string,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<void> {
  const clock = options.clock ?? systemClock
  const url = `${connection.url.replace(/\/+$/, '')}${path}`
  let chunk = 1 * MiB
  let wait = FIRST_PAUSE
  let furthest = -1
  let progressAt = clock.now()
  let offset: number | undefined
  for (;;) {
    options.signal?.throwIfAborted()
    const startedAt = clock.now()
    try {
      offset ??= await offsetOf(connection, url, source.size, options.signal)
      if (offset > furthest) {
        furthest = offset
        progressAt = clock.now()
        options.onProgress?.(offset, source.size)
      }
      if (offset >= source.size) return
      const piece = await readChunk(source, offset, Math.min(chunk, LARGEST_CHUNK - (offset % LARGEST_CHUNK)))
      offset = await send(connection, url, offset, piece, options.signal)
      chunk = nextChunk(chunk, clock.now() - startedAt)
      wait = FIRST_PAUSE
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!isPassing(error)) throw error
      if (clock.now() - progressAt > PATIENCE) throw stalled(error)
      offset = undefined
      chunk = Math.max(SMALLEST_CHUNK, chunk / 2)
      await pause(wait * (0.5 + Math.random() / 2), options.signal)
      wait = Math.min(LONGEST_PAUSE, wait * 2)
    }
  }
}

/** Chunks aim at one to five seconds each, so that progress shows and little is sent twice. */
function nextChunk(chunk: Bytes, took: Milliseconds): Bytes {
  if (took < 1_000) return Math.min(LARGEST_CHUNK, chunk * 2)
  return took > 5_000 ? Math.max(SMALLEST_CHUNK, chunk / 2) : chunk
}

async function readChunk(source: UploadSource, offset: Bytes, length: Bytes): Promise<Uint8Array> {
  const bytes = await source.read(offset, Math.min(length, source.size - offset))
  if (bytes.length > 0) return bytes
  throw new SluiceError('file-changed', 'the file became shorter while it was uploaded: publish it again', {
    side: 'operator',
  })
}

async function offsetOf(
  connection: Connection,
  url: string,
  size: Bytes,
  signal?: AbortSignal,
): Promise<number> {
  const response = await tus(connection, url, { method: 'HEAD', headers: {} }, signal)
  const length = Number(response.headers.get('upload-length'))
  if (length !== size) {
    throw new SluiceError(
      'file-changed',
      `the upload was announced with ${length} bytes, the file has ${size}: publish it again`,
      {
        side: 'operator',
      },
    )
  }
  return offsetIn(response)
}

async function send(
  connection: Connection,
  url: string,
  offset: Bytes,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<number> {
  const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }
  return offsetIn(await tus(connection, url, { method: 'PATCH', headers, body: bytes }, signal))
}

interface TusRequest {
  method: 'HEAD' | 'PATCH'
  headers: Record<string, string>
  body?: Uint8Array
}

async function tus(
  connection: Connection,
  url: string,
  wanted: TusRequest,
  signal?: AbortSignal,
): Promise<Response> {
  const limit = AbortSignal.timeout(CHUNK_LIMIT)
  let response: Response
  try {
    response = await fetch(url, {
      method: wanted.method,
      headers: { ...wanted.headers, 'tus-resumable': '1.0.0', authorization: connection.authorization },
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      ...(wanted.body ? { body: wanted.body as Uint8Array<ArrayBuffer> } : {}), // nobody reads a file into shared memory
    })
  } catch (error) {
    throw away(connection.url, error)
  }
  if (response.ok) return response
  // A HEAD has no body, so its error cannot say why.
  const body: unknown = await response.json().catch(() => undefined)
  const error = errorOf(response.status, body)
  throw RETRIED.has(response.status) ? new Passing(error) : error
}

/** An error that another try may mend. */
class Passing extends Error {
  readonly error: SluiceError

  constructor(error: SluiceError) {
    super(error.message)
    this.error = error
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Passing || (error instanceof SluiceError && error.code === 'control-away')
}

function stalled(error: unknown): SluiceError {
  const why = error instanceof Error ? error.message : 'no answer'
  return new SluiceError(
    'upload-stalled',
    `the upload made no progress for a minute (${why}): publish the file again`,
    {
      side: 'upstream',
      kind: 'unavailable',
      cause: error instanceof Passing ? error.error : error,
    },
  )
}

function offsetIn(response: Response): number {
  const text = response.headers.get('upload-offset')
  if (text === null || !/^\d+$/.test(text)) throw errorOf(response.status, undefined)
  return Number(text)
}
