import { ask, post, priority, rst, settings, update } from './http2-requests.ts'
import { Made, type Step } from './http2-spec.ts'
import { literal } from './raw-hpack.ts'
import {
  block,
  CODE,
  data,
  END_STREAM,
  frame,
  GET,
  headers,
  requestOf,
  SETTING,
  setting,
  TYPE,
  type Fields,
} from './raw-http2.ts'

/**
 * What becomes of the connection: `ends`; `goes on`, and the next request of it is answered; or `either`, where no limit
 * is promised (docs/LIMITS.md), so long as nobody else notices.
 */
export type Outcome = 'ends' | 'goes on' | 'either'

export interface Flood {
  says: string
  script: readonly Step[]
  outcome: Outcome
}

/** Streams that floods use are below this one. */
export const AFTER_FLOOD = 2 ** 20 + 1

const many = (count: number, of: (each: number, stream: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, each) => of(each, 1 + 2 * each)))
const PLAIN = block(GET)
const get = (stream: number): Buffer => frame(TYPE.HEADERS, 5, stream, PLAIN)
const asked = (fields: Fields, stream: number): Buffer => headers(fields, 5, stream)
const ping = frame(TYPE.PING, 0, 0, Buffer.alloc(8))
const flood = (says: string, outcome: Outcome, ...script: Step[]): Flood => ({ says, script, outcome })

/** An entry of 4,000 bytes, which is named by one byte each time (RFC 7541 §6.1). */
const bomb = (times: number): Buffer =>
  Buffer.concat([
    PLAIN,
    Buffer.from([0x40]),
    literal('x'),
    literal('a'.repeat(4000)),
    Buffer.alloc(times, 0x80 | 62),
  ])

export const FLOODS: readonly Flood[] = [
  flood(
    '3,000 requests that are reset at once (CVE-2023-44487)',
    'ends',
    many(3000, (_, stream) => Buffer.concat([get(stream), rst(CODE.CANCEL, stream)])),
  ),
  flood(
    '900 requests that are reset at once',
    'goes on',
    many(900, (_, stream) => Buffer.concat([get(stream), rst(CODE.CANCEL, stream)])),
  ),
  flood(
    '1,000 resets that are provoked with WINDOW_UPDATE (CVE-2025-8671)',
    'ends',
    many(1000, (_, stream) =>
      Buffer.concat([headers(requestOf({ ':method': 'POST' }), 4, stream), update(0, stream)]),
    ),
  ),
  flood(
    '1,000 resets that are provoked with malformed requests (CVE-2025-8671)',
    'ends',
    many(1000, (_, stream) => asked(requestOf({ ':path': '' }), stream)),
  ),
  flood(
    '50 malformed requests',
    'goes on',
    many(50, (_, stream) => asked(requestOf({ ':path': '' }), stream)),
  ),
  flood(
    '20,000 SETTINGS (CVE-2019-9515)',
    'ends',
    many(20_000, () => settings()),
  ),
  flood(
    '20,000 changes of the windows of 100 streams',
    'ends',
    settings(setting(SETTING.INITIAL_WINDOW_SIZE, 0)),
    many(100, (_, stream) => get(stream)),
    many(20_000, each => settings(setting(SETTING.INITIAL_WINDOW_SIZE, each % 2))),
  ),
  flood(
    '500 SETTINGS',
    'goes on',
    many(500, () => settings()),
  ),
  flood(
    '20,000 PING (CVE-2019-9512)',
    'ends',
    many(20_000, () => ping),
  ),
  flood(
    '500 PING',
    'goes on',
    many(500, () => ping),
  ),
  flood(
    '1,000 CONTINUATION of nothing (VU#421644)',
    'ends',
    headers(GET, END_STREAM),
    many(1000, () => frame(TYPE.CONTINUATION, 0, 1)),
  ),
  flood(
    '300 CONTINUATION of 16 KiB (VU#421644)',
    'ends',
    headers(GET, END_STREAM),
    many(300, () =>
      frame(
        TYPE.CONTINUATION,
        0,
        1,
        Buffer.concat([Buffer.from([0]), literal('x'), literal('y'.repeat(16_000))]),
      ),
    ),
  ),
  flood(
    'a text of 2 MiB over many CONTINUATION (VU#421644)',
    'ends',
    headers(GET, END_STREAM),
    frame(
      TYPE.CONTINUATION,
      0,
      1,
      Buffer.concat([Buffer.from([0]), literal('x'), literal('y'.repeat(2 ** 21)).subarray(0, 100)]),
    ),
    many(128, () => frame(TYPE.CONTINUATION, 0, 1, Buffer.alloc(16_384, 'y'))),
  ),
  flood(
    '5,000 DATA of nothing (CVE-2019-9518)',
    'ends',
    post(),
    many(5000, () => data('', 0)),
  ),
  flood(
    '5,000 DATA of padding alone',
    'either',
    post(),
    many(5000, () => frame(TYPE.DATA, 8, 1, Buffer.alloc(256, 255))),
  ),
  flood(
    'a body of 4 MiB that nobody asked for, beyond every window',
    'either',
    post(),
    many(256, () => data('x'.repeat(16_384), 0)),
  ),
  flood(
    '10,000 PRIORITY of idle streams (CVE-2019-9513)',
    'either',
    many(10_000, each => priority(3 + 2 * each, { on: 1 })),
  ),
  flood(
    '10,000 PRIORITY of one stream (CVE-2019-9513)',
    'either',
    ask(),
    many(10_000, each => priority(1, { on: 3 + 2 * each })),
  ),
  flood(
    '5,000 WINDOW_UPDATE of one byte',
    'goes on',
    many(5000, () => update(1)),
  ),
  flood(
    '5,000 frames of an unknown type',
    'goes on',
    many(5000, () => frame(0x99, 0, 0)),
  ),
  flood(
    '20,000 frames to streams that are closed',
    'either',
    ask(),
    peer => peer.answer(),
    many(20_000, () => update(1, 1)),
  ),
  flood(
    '120 heads that swell to 64 MB each (HPACK bomb)',
    'either',
    many(120, (_, stream) => frame(TYPE.HEADERS, 5, stream, bomb(12_000).subarray(0, 16_384))),
  ),
  flood(
    '1,000 heads of 20 KB that are answered 431',
    'either',
    many(1000, (_, stream) =>
      Buffer.concat([
        frame(TYPE.HEADERS, END_STREAM, stream, PLAIN),
        frame(TYPE.CONTINUATION, 4, stream, block([['x', 'y'.repeat(16_000)]])),
      ]),
    ),
  ),
]

/** Heads at the limits of docs/LIMITS.md, and what is said to them. */
export interface Head {
  says: string
  script: readonly Step[]
  /** A status, or that the stream is reset. */
  outcome: number | 'reset'
}

const fieldsOf = (count: number): Fields =>
  Array.from({ length: count }, (_, each) => [`x${each}`, 'y'] as const)

/** In as many frames as it takes. */
function headOf(fields: Fields): Made {
  return new Made(() => {
    const bytes = block(fields)
    const cuts = Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, each) => each * 16_384)
    return Buffer.concat(
      cuts.map((from, each) =>
        frame(
          each === 0 ? TYPE.HEADERS : TYPE.CONTINUATION,
          (each === 0 ? END_STREAM : 0) | (each === cuts.length - 1 ? 4 : 0),
          1,
          bytes.subarray(from, from + 16_384),
        ),
      ),
    )
  })
}
const bytesOf = (count: number): Fields => [
  ...GET,
  ...Array.from({ length: count }, () => ['x', 'y'.repeat(1000)] as const),
]

export const HEADS: readonly Head[] = [
  { says: '128 fields', script: [headOf([...GET, ...fieldsOf(124)])], outcome: 200 },
  { says: '500 fields', script: [headOf([...GET, ...fieldsOf(496)])], outcome: 431 },
  { says: '600 fields', script: [headOf([...GET, ...fieldsOf(596)])], outcome: 'reset' },
  { says: '19 KB', script: [headOf(bytesOf(18))], outcome: 200 },
  { says: '70 KB', script: [headOf(bytesOf(66))], outcome: 431 },
  { says: '90 KB', script: [headOf(bytesOf(86))], outcome: 'reset' },
  {
    says: 'a field of 4,000 bytes that is named 1,000 times',
    script: [frame(TYPE.HEADERS, 5, 1, bomb(1000))],
    outcome: 'reset',
  },
  {
    says: 'a field of 4,000 bytes that is named 12,000 times',
    script: [frame(TYPE.HEADERS, 5, 1, bomb(12_000))],
    outcome: 'reset',
  },
  {
    says: 'a URL of 8,193 bytes',
    script: [headOf(requestOf({ ':path': `/${'a'.repeat(8192)}` }))],
    outcome: 414,
  },
]
