import { grantFor } from './grants.ts'
import {
  ask,
  BOTH,
  goAwayFrame,
  OPENED,
  paddedAsk,
  ping,
  PING_CONTENT,
  post,
  priority,
  rst,
  settings,
  update,
  weight,
} from './http2-requests.ts'
import { bareCase, Made, specCase, type SpecCase, type Step } from './http2-spec.ts'
import {
  answered,
  connectionError,
  pongs,
  refused,
  reset,
  settingsAcknowledged,
  streamEnds,
  streamError,
} from './http2-verdicts.ts'
import { integer, literal } from './raw-hpack.ts'
import {
  block,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  PADDED,
  PRIORITY,
  requestOf,
  SETTING,
  setting,
  TYPE,
  type Fields,
} from './raw-http2.ts'

/** What the origin of these cases answers for a path. */
export const filmAt = (path: string): string => `a small film at ${path}`
export const LARGE_PATH = '/large'
export const LARGE = 'x'.repeat(200_000)
/** What one window holds that nobody has changed. */
const WINDOW = 65_535

const pong = pongs(PING_CONTENT)
const windowOf = (bytes: number): Buffer => settings(setting(SETTING.INITIAL_WINDOW_SIZE, bytes))
const at = (path: string, ...more: Fields): Fields => requestOf({ ':path': path }, ...more)
const headersOf = (flags: number, bytes: Buffer): Buffer => frame(TYPE.HEADERS, flags, 1, bytes)
const frameError = streamError(CODE.FRAME_SIZE_ERROR, CODE.PROTOCOL_ERROR)

/** So many bytes of stream 1 come, and no more while nobody asks for them. */
function holdsAt(bytes: number): Step {
  return async peer => {
    if (peer.bodyOf(1).length < bytes)
      await peer.wait(`${bytes} bytes`, () => peer.bodyOf(1).length >= bytes || undefined)
    await peer.send(ping())
    await pong(peer)
    if (peer.bodyOf(1).length !== bytes)
      throw new Error(`${peer.bodyOf(1).length} bytes came instead of ${bytes}`)
  }
}

const FRAMES: readonly SpecCase[] = [
  bareCase(
    'more/3.4/1',
    'HTTP/1.1 where HTTP/2 was agreed on ends the connection (§3.4)',
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    connectionError(CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'more/4.1/1',
    'a frame of an unknown type is not looked at on any stream (§4.1)',
    frame(0x99, 0xff, 7, Buffer.alloc(100)),
    ask(),
    frame(0x99, 0xff, 1, Buffer.alloc(16_384)),
    frame(0x99, 0, 0),
    ping(),
    pong,
  ),
  specCase(
    'more/4.2/1',
    'a frame of an unknown type that is too large is an error of its size (§4.2)',
    frame(0x99, 0, 0, Buffer.alloc(16_385)),
    streamError(CODE.FRAME_SIZE_ERROR),
  ),
  specCase(
    'more/5.1/1',
    'WINDOW_UPDATE, RST_STREAM and PRIORITY that cross the end of an answer are not errors (§5.1)',
    ask(),
    streamEnds,
    update(1, 1),
    priority(1),
    rst(CODE.CANCEL),
    ask(at('/b'), { stream: 3 }),
    answered(200, 3, filmAt('/b')),
  ),
  specCase(
    'more/5.1/2',
    'DATA behind the end of a body is an error (§5.1)',
    post(['content-length', '4']),
    data('test', END_STREAM),
    data('test', END_STREAM),
    streamError(CODE.STREAM_CLOSED),
  ),
  specCase(
    'more/5.1.1/1',
    'streams may be passed over (§5.1.1)',
    ask(GET, { stream: 2 ** 30 + 1 }),
    answered(200, 2 ** 30 + 1),
    ask(GET, { stream: 2 ** 31 - 1 }),
    answered(200, 2 ** 31 - 1),
  ),
  specCase(
    'more/6.1/1',
    'DATA of nothing but padding may end a request (§6.1)',
    post(),
    frame(TYPE.DATA, END_STREAM | PADDED, 1, Buffer.from([3, 0, 0, 0])),
    answered(405),
  ),
  specCase(
    'more/6.1/2',
    'DATA that is too short for its padding is an error (§6.1)',
    post(['content-length', '4']),
    frame(TYPE.DATA, PADDED, 1),
    frameError,
  ),
  specCase(
    'more/6.2/1',
    'HEADERS with padding and a priority are taken (§6.2)',
    ask(GET, {
      flags: BOTH | PADDED | PRIORITY,
      lead: Buffer.concat([Buffer.from([255]), weight({ on: 7 })]),
      tail: Buffer.alloc(255),
    }),
    answered(200),
  ),
  specCase(
    'more/6.2/2',
    'HEADERS without room for their padding are an error (§6.2)',
    headersOf(BOTH | PADDED, Buffer.alloc(0)),
    frameError,
  ),
  specCase(
    'more/6.2/3',
    'HEADERS without room for their priority are an error (§6.2)',
    headersOf(BOTH | PRIORITY, Buffer.alloc(4)),
    frameError,
  ),
  specCase(
    'more/6.2/4',
    'HEADERS of padding alone are malformed (§6.2)',
    headersOf(BOTH | PADDED, Buffer.from([2, 0, 0])),
    streamError(CODE.PROTOCOL_ERROR),
  ),
  specCase('more/6.2/5', 'padding of 255 bytes is taken (§6.2)', paddedAsk(255), answered(200)),
  specCase(
    'more/6.3/1',
    'PRIORITY of another size on an idle stream is an error (§6.3)',
    frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(6)),
    streamError(CODE.FRAME_SIZE_ERROR),
  ),
  specCase(
    'more/6.8/1',
    'a request before GOAWAY is answered (§6.8)',
    ask(),
    goAwayFrame(CODE.NO_ERROR),
    answered(200),
  ),
  specCase(
    'more/6.10/1',
    'a head may be cut anywhere, into frames of nothing too (§6.10)',
    headersOf(END_STREAM, Buffer.alloc(0)),
    ...[3, 20, 20, 33].map((to, each, cuts) =>
      frame(TYPE.CONTINUATION, 0, 1, block(at('/b')).subarray(cuts[each - 1] ?? 0, to)),
    ),
    frame(TYPE.CONTINUATION, END_HEADERS, 1, block(at('/b')).subarray(33)),
    answered(200, 1, filmAt('/b')),
  ),
  specCase(
    'more/6.10/2',
    'CONTINUATION of another stream ends the connection (§6.10)',
    ask(GET, { flags: END_STREAM }),
    frame(TYPE.CONTINUATION, END_HEADERS, 3),
    connectionError(CODE.PROTOCOL_ERROR),
  ),
]

const SETTINGS: readonly SpecCase[] = [
  specCase('more/6.5/1', 'SETTINGS of nothing are acknowledged (§6.5)', settings(), settingsAcknowledged),
  specCase(
    'more/6.5/2',
    'answers use no table where we keep none (§6.5.2)',
    ask(),
    answered(200),
    settings(setting(SETTING.HEADER_TABLE_SIZE, 0)),
    settingsAcknowledged,
    peer => peer.limitTable(0),
    ask(GET, { stream: 3 }),
    answered(200, 3),
    ask(GET, { stream: 5 }),
    answered(200, 5),
  ),
  specCase(
    'more/6.5/3',
    'and again one where we do (§6.5.2)',
    settings(setting(SETTING.HEADER_TABLE_SIZE, 0), setting(SETTING.HEADER_TABLE_SIZE, 100)),
    settingsAcknowledged,
    peer => peer.limitTable(0, 100),
    ask(),
    answered(200),
    ask(GET, { stream: 3 }),
    answered(200, 3),
  ),
  specCase(
    'more/6.5/4',
    'settings of the largest values are taken (§6.5.2)',
    settings(
      setting(SETTING.HEADER_TABLE_SIZE, 2 ** 32 - 1),
      setting(SETTING.MAX_CONCURRENT_STREAMS, 2 ** 32 - 1),
      setting(SETTING.MAX_FRAME_SIZE, 2 ** 24 - 1),
      setting(SETTING.MAX_HEADER_LIST_SIZE, 2 ** 32 - 1),
      setting(SETTING.INITIAL_WINDOW_SIZE, 2 ** 31 - 1),
    ),
    settingsAcknowledged,
    ask(),
    answered(200),
  ),
]

const WINDOWS: readonly SpecCase[] = [
  specCase(
    'more/6.9/1',
    "the connection's window holds back what a stream's would let go (§6.9.1)",
    windowOf(2 ** 20),
    settingsAcknowledged,
    ask(at(LARGE_PATH)),
    holdsAt(WINDOW),
    update(1000),
    holdsAt(WINDOW + 1000),
    update(2 ** 20),
    answered(200, 1, LARGE),
  ),
  specCase(
    'more/6.9/2',
    "a stream's window holds back that stream alone (§6.9.1)",
    update(2 ** 20),
    ask(at(LARGE_PATH)),
    holdsAt(WINDOW),
    ask(at('/b'), { stream: 3 }),
    answered(200, 3, filmAt('/b')),
    update(2 ** 20, 1),
    answered(200, 1, LARGE),
  ),
  specCase(
    'more/6.9.1/1',
    'a window may be as large as 2^31 - 1 (§6.9.1)',
    update(2 ** 31 - 1 - WINDOW),
    OPENED,
    update(2 ** 31 - 1 - WINDOW, 1),
    data('', END_STREAM),
    answered(200),
  ),
  specCase(
    'more/6.9.2/1',
    'INITIAL_WINDOW_SIZE that lifts a window above 2^31 - 1 ends the connection (§6.9.2)',
    post(['content-length', '4']),
    update(2 ** 31 - 1 - WINDOW, 1),
    windowOf(WINDOW + 1),
    connectionError(CODE.FLOW_CONTROL_ERROR),
  ),
]

const TALK = grantFor('*://*/members/talk/*').cookie.split('; ')

const malformed = (id: string, says: string, ...more: Fields): SpecCase =>
  specCase(id, `${says} is malformed (§8.2.1)`, ask(requestOf({}, ...more)), refused)

const MESSAGES: readonly SpecCase[] = [
  specCase(
    'more/8.1/1',
    'HEAD is answered with the length of what it does not send (§8.1)',
    ask(requestOf({ ':method': 'HEAD' })),
    answered(200, 1, ''),
    async peer => {
      const { fields } = await peer.answer()
      const length = fields.find(([name]) => name === 'content-length')?.[1]
      if (length !== String(filmAt('/a').length)) throw new Error(`a length of ${length}`)
    },
  ),
  specCase(
    'more/8.1/2',
    'many requests of one connection are answered, each with its own (§8.1)',
    ...Array.from({ length: 60 }, (_, each) => ask(at(`/${each % 7}`), { stream: 1 + 2 * each })),
    ...Array.from({ length: 60 }, (_, each) => answered(200, 1 + 2 * each, filmAt(`/${each % 7}`))),
  ),
  specCase(
    'more/8.2.3/1',
    'a cookie that comes in crumbs is one (§8.2.3)',
    ask(requestOf({ ':path': '/members/talk/a' }, ...TALK.map(crumb => ['cookie', crumb] as const))),
    answered(200, 1, filmAt('/members/talk/a')),
  ),
  malformed('more/8.2.1/1', 'a value with NUL', ['x-test', 'a\0b']),
  malformed('more/8.2.1/2', 'a value with CR', ['x-test', 'a\rb']),
  malformed('more/8.2.1/3', 'a value with LF', ['x-test', 'a\nb']),
  malformed('more/8.2.1/4', 'a value with a line of its own', ['x-test', 'a\r\nhost: b']),
  malformed('more/8.2.1/5', 'a name with a blank', ['x test', 'a']),
  malformed('more/8.2.1/6', 'a name with a colon', ['x:test', 'a']),
  malformed('more/8.2.1/7', 'a name with CR and LF', ['x\r\nhost', 'a']),
  malformed('more/8.2.1/8', 'a name with an octet above 0x7f', ['x-\xe9', 'a']),
  malformed('more/8.2.1/9', 'a name of nothing', ['', 'a']),
  malformed('more/8.2.1/10', 'a value that begins with a blank', ['x-test', ' a']),
  malformed('more/8.2.1/11', 'a value that ends with a tab', ['x-test', 'a\t']),
  malformed('more/8.2.1/12', 'an authority with user information', [':authority', 'a@b']),
]

const undecodable = (id: string, says: string, tail: Buffer): SpecCase =>
  specCase(id, `${says} ends the connection`, ask(GET, { tail }), connectionError(CODE.COMPRESSION_ERROR))
/** The newest entry of the dynamic table. */
const NEWEST = 62
const known = (index: number): Buffer => integer(index, 7, 0x80)
const plainly = (fields: Fields, lead: Buffer, tail: Buffer, stream = 3): Buffer =>
  frame(TYPE.HEADERS, BOTH, stream, Buffer.concat([lead, block(fields), tail]))
const letters = '/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
const NOTHING = Buffer.alloc(0)

/** A change of the table to `bytes`. */
const resize = (bytes: number): Buffer => integer(bytes, 5, 0x20)

const pathAgain = (path: string, ...before: Step[]): Step[] => [
  ask(at(path)),
  ...before,
  ask(at(path), { stream: 99 }),
  answered(200, 99, filmAt(path)),
]

/** One more than may be under way at once, each of which brings an entry. */
const tooMany = new Made(peer =>
  Buffer.concat(
    Array.from({ length: (peer.settings.get(SETTING.MAX_CONCURRENT_STREAMS) ?? 100) + 2 }, (_, each) =>
      ask(at('/b', ['x-each', String(each)]), { stream: 3 + 2 * each }).bytes(peer),
    ),
  ),
)

const HPACK: readonly SpecCase[] = [
  specCase(
    'more/hpack/1',
    'what entered the table is known on later streams (RFC 7541 §2.3.2)',
    ...pathAgain('/b'),
  ),
  specCase(
    'more/hpack/2',
    'a malformed request changes the table like another (§4.3)',
    ...pathAgain(
      '/b',
      ask(at('/c', ['X-TEST', 'ok']), { stream: 3 }),
      ask(at('/c'), { stream: 5 }),
      answered(200, 5, filmAt('/c')),
    ),
  ),
  specCase(
    'more/hpack/3',
    'trailers change the table like a head (§4.3)',
    ...pathAgain(
      '/b',
      ask(requestOf({ ':method': 'POST' }), { flags: END_HEADERS, stream: 3 }),
      ask([['x-trailer', 'c']], { stream: 3 }),
    ),
  ),
  specCase(
    'more/hpack/4',
    'a request that is refused changes the table like another (§4.3)',
    windowOf(0),
    ask(at('/c')),
    tooMany,
    reset(CODE.REFUSED_STREAM),
    windowOf(WINDOW),
    answered(200, 1, filmAt('/c')),
    answered(200, 3, filmAt('/b')),
    ask(at('/c', ['x-each', '129']), { stream: 999 }),
    answered(200, 999, filmAt('/c')),
  ),
  specCase(
    'more/hpack/5',
    'every letter of a path may be Huffman-coded (RFC 7541 §5.2)',
    ask(at(letters)),
    answered(200, 1, filmAt(letters)),
  ),
  specCase(
    'more/hpack/6',
    'a table that was emptied holds nothing (RFC 7541 §4.3)',
    ask(),
    answered(200),
    plainly(GET, Buffer.concat([resize(0), resize(4096)]), known(NEWEST)),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
  specCase(
    'more/hpack/7',
    'an entry larger than the table empties it, and is no error (RFC 7541 §4.4)',
    ask(),
    answered(200),
    plainly(
      GET,
      NOTHING,
      Buffer.concat([Buffer.from([0x40]), literal('x-large'), literal('x'.repeat(5000))]),
    ),
    answered(200, 3),
    plainly(GET, NOTHING, known(NEWEST), 5),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
  specCase(
    'more/hpack/8',
    'the oldest entries make room for new ones (RFC 7541 §4.4)',
    ask(GET, { lead: resize(100) }),
    answered(200),
    plainly(GET, NOTHING, Buffer.concat([Buffer.from([0x40]), literal('x-new'), literal('x'.repeat(60))])),
    answered(200, 3),
    plainly(GET, NOTHING, known(NEWEST), 5),
    answered(200, 5),
    plainly(GET, NOTHING, known(NEWEST + 1), 7),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
  undecodable('more/hpack/9', 'an index of 2^35 (RFC 7541 §5.1)', Buffer.from('ffffffffff7f', 'hex')),
  undecodable(
    'more/hpack/10',
    'an index that does not end (RFC 7541 §5.1)',
    Buffer.from('ffffffffff', 'hex'),
  ),
  undecodable(
    'more/hpack/11',
    'a text longer than its block (RFC 7541 §5.2)',
    Buffer.concat([Buffer.from([0]), literal('x'), Buffer.from([5, 97])]),
  ),
  undecodable(
    'more/hpack/12',
    'a text of 2^31 bytes (RFC 7541 §5.2)',
    Buffer.concat([Buffer.from([0]), integer(2 ** 31, 7)]),
  ),
  undecodable(
    'more/hpack/13',
    'a field without its value (RFC 7541 §6.2)',
    Buffer.concat([Buffer.from([0x10]), literal('x')]),
  ),
  undecodable(
    'more/hpack/14',
    'padding of eight bits alone (RFC 7541 §5.2)',
    Buffer.from([0, 1, 97, 0x81, 0xff]),
  ),
  specCase(
    'more/hpack/15',
    'a field block that ends within a field ends the connection with its last frame (§4.3)',
    ask(GET, { flags: END_STREAM, tail: Buffer.from([0, 9]) }),
    frame(TYPE.CONTINUATION, END_HEADERS, 1, Buffer.from('x')),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
  specCase(
    'more/hpack/16',
    'a text of nothing may be Huffman-coded (RFC 7541 §5.2)',
    ask(GET, { tail: Buffer.concat([Buffer.from([0]), literal('x-test'), literal('', 'huffman')]) }),
    answered(200),
  ),
]

/** What the public list of rules lacks. */
export const MORE_CASES: readonly SpecCase[] = [...FRAMES, ...SETTINGS, ...WINDOWS, ...MESSAGES, ...HPACK]
