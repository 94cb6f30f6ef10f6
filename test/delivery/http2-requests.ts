import { Made } from './http2-spec.ts'
import {
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  PADDED,
  PRIORITY,
  requestOf,
  TYPE,
  uint32,
  type Fields,
} from './raw-http2.ts'

export interface HeadersOptions {
  /** 1 unless said. */
  stream?: number
  flags?: number
  /** Behind the fields, as they are. */
  tail?: Buffer
  /** Before them. */
  lead?: Buffer
}

export const BOTH = END_STREAM | END_HEADERS

/** HEADERS of one frame that end the request, unless the flags say otherwise. */
export function ask(fields: Fields = GET, options: HeadersOptions = {}): Made {
  const { stream = 1, flags = BOTH, lead = Buffer.alloc(0), tail = Buffer.alloc(0) } = options
  return new Made(peer =>
    frame(TYPE.HEADERS, flags, stream, Buffer.concat([lead, peer.encode(fields), tail])),
  )
}

/** A GET whose end does not come. */
export const OPENED = ask(GET, { flags: END_HEADERS })

/** HEADERS of a POST whose body follows. */
export function post(...more: Fields): Made {
  return ask(requestOf({ ':method': 'POST' }, ...more), { flags: END_HEADERS })
}

export function continued(fields: Fields, flags: number = END_HEADERS, stream = 1): Made {
  return new Made(peer => frame(TYPE.CONTINUATION, flags, stream, peer.encode(fields)))
}

/** A field of 4,000 bytes. */
export function large(count = 1): Fields {
  return Array.from({ length: count }, (_, each) => [`x-large-${each}`, 'x'.repeat(4000)] as const)
}

export interface Weighed {
  on?: number
  exclusive?: true
  weight?: number
}

/** RFC 7540 §6.3: what a stream depends on, and its weight less one. */
export function weight({ on = 0, exclusive, weight = 255 }: Weighed = {}): Buffer {
  return Buffer.concat([uint32(on + (exclusive ? 2 ** 31 : 0)), Buffer.from([weight])])
}

export function priority(stream: number, weighed: Weighed = {}): Buffer {
  return frame(TYPE.PRIORITY, 0, stream, weight(weighed))
}

/** HEADERS with a priority before their fields. */
export function weighedAsk(weighed: Weighed, stream = 1): Made {
  return ask(GET, { stream, flags: BOTH | PRIORITY, lead: weight(weighed) })
}

/** HEADERS with padding of some length, which may be said to be another. */
export function paddedAsk(padding: number, said?: number): Made {
  return ask(GET, {
    flags: BOTH | PADDED,
    lead: Buffer.from([said ?? padding]),
    tail: Buffer.alloc(padding),
  })
}

export function paddedData(content: string, padding: number, said = padding): Buffer {
  const bytes = Buffer.concat([Buffer.from([said]), Buffer.from(content), Buffer.alloc(padding)])
  return frame(TYPE.DATA, END_STREAM | PADDED, 1, bytes)
}

export const PING_CONTENT = Buffer.from('sluice!!')
export const ping = (content: Buffer = PING_CONTENT, flags = 0, stream = 0): Buffer =>
  frame(TYPE.PING, flags, stream, content)

export const rst = (code: number, stream = 1): Buffer => frame(TYPE.RST_STREAM, 0, stream, uint32(code))
export const update = (bytes: number, stream = 0): Buffer =>
  frame(TYPE.WINDOW_UPDATE, 0, stream, uint32(bytes))
export const settings = (...values: Buffer[]): Buffer => frame(TYPE.SETTINGS, 0, 0, Buffer.concat(values))

export function goAwayFrame(code: number, stream = 0): Buffer {
  return frame(TYPE.GOAWAY, 0, stream, Buffer.concat([uint32(0), uint32(code)]))
}

/** Of a type that no specification knows. */
export const UNKNOWN = frame(0x16, 0, 0, Buffer.alloc(8))
