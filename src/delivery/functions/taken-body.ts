import type { Bytes } from '../../core/index.ts'
import type { SeenBody } from '../../functions/index.ts'
import { cut } from '../answer/send-stream.ts'
import type { Exchange } from '../exchange.ts'
import { mayBeRelayed } from '../methods.ts'
import { record } from '../record.ts'
import { hasBody } from '../relay/request-body.ts'
import { Upload } from '../relay/upload.ts'

/** A request's body, of which a function was shown the beginning. */
export interface TakenBody {
  readonly upload: Upload
  /** All of it for the origin, what was shown included; a function's own where it has given one. */
  readonly bytes: AsyncIterable<Uint8Array>
  /** What goes on in place of the viewer's. */
  readonly replaced: Uint8Array | undefined
  readonly seen: SeenBody
}

/** Reads so much of a body as a function may see, where there is one. A viewer who breaks it off has left. */
export async function takeBody(x: Exchange, most: Bytes): Promise<'taken' | 'left'> {
  try {
    x.taken = await readBody(x, most)
    return 'taken'
  } catch {
    cut(x.response)
    record(x)
    return 'left'
  }
}

async function readBody(x: Exchange, most: Bytes): Promise<TakenBody | undefined> {
  const before = x.taken
  // That of a GET goes nowhere, and is read away.
  if (before === undefined && !(mayBeRelayed(x.request.method ?? '') && hasBody(x.request))) return undefined
  const upload = before?.upload ?? new Upload(x.request as never, x.response) // `hasBody` has looked at it
  const body = (before?.bytes ?? upload)[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  let size = 0
  let next = await body.next()
  while (next.done !== true) {
    read.push(next.value)
    size += next.value.length
    if (size > most) break
    next = await body.next()
  }
  const bytes = Buffer.concat(read)
  const seen = { bytes: bytes.subarray(0, most), truncated: bytes.length > most }
  return { upload, bytes: rest(bytes, body), replaced: before?.replaced, seen }
}

async function* rest(read: Uint8Array, body: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (read.length > 0) yield read
  for (let next = await body.next(); next.done !== true; next = await body.next()) yield next.value
}

export function withBody(taken: TakenBody, given: Uint8Array): TakenBody {
  return { ...taken, bytes: once(given), replaced: given }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  if (bytes.length > 0) yield bytes
}
