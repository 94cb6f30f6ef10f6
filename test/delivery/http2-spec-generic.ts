import {
  ask,
  BOTH,
  goAwayFrame,
  OPENED,
  paddedAsk,
  paddedData,
  ping,
  PING_CONTENT,
  post,
  priority,
  rst,
  settings,
  update,
  weighedAsk,
} from './http2-requests.ts'
import { bareCase, specCase, type SpecCase } from './http2-spec.ts'
import {
  answersOn,
  dataComes,
  pongs,
  pongsOrEnds,
  settingsAcknowledged,
  streamEnds,
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
  PREFACE,
  requestOf,
  SETTING,
  setting,
  TYPE,
} from './raw-http2.ts'

const pong = pongs(PING_CONTENT)
const windowOf = (bytes: number): Buffer => settings(setting(SETTING.INITIAL_WINDOW_SIZE, bytes))
const GET_BLOCK = block(GET)

/** What every server of HTTP/2 does. */
const CONNECTION: readonly SpecCase[] = [
  bareCase('generic/1/1', "the server's first frame is SETTINGS (§3.4)", PREFACE, windowOf(65_535), peer =>
    peer.wait('SETTINGS as the first frame', seen => {
      if (typeof seen === 'string') return undefined
      if (seen.type !== TYPE.SETTINGS || seen.flags !== 0) throw new Error('another frame came first')
      return true
    }),
  ),
  specCase('generic/2/1', 'PRIORITY of an idle stream is taken (§5.1)', priority(1), ping(), pong),
  specCase(
    'generic/2/2',
    'WINDOW_UPDATE of a stream whose request has ended is taken (§5.1)',
    windowOf(0),
    ask(),
    update(1, 1),
    dataComes(),
  ),
  specCase(
    'generic/2/3',
    'PRIORITY of a stream whose request has ended is taken (§5.1)',
    windowOf(0),
    ask(),
    priority(1),
    update(1, 1),
    dataComes(),
  ),
  specCase(
    'generic/2/4',
    'RST_STREAM of a stream whose request has ended is taken (§5.1)',
    ask(),
    rst(CODE.CANCEL),
    ping(),
    pongsOrEnds(PING_CONTENT),
  ),
  specCase(
    'generic/2/5',
    'PRIORITY of a closed stream is taken (§5.1)',
    ask(),
    streamEnds,
    priority(1),
    ping(),
    pong,
  ),
]

const FRAMES: readonly SpecCase[] = [
  specCase('generic/3.1/1', 'DATA is taken (§6.1)', post(), data('test', END_STREAM), answersOn()),
  specCase(
    'generic/3.1/2',
    'DATA in several frames is taken (§6.1)',
    post(),
    data('test', 0),
    data('test', END_STREAM),
    answersOn(),
  ),
  specCase('generic/3.1/3', 'DATA with padding is taken (§6.1)', post(), paddedData('test', 6), answersOn()),
  specCase('generic/3.2/1', 'HEADERS are taken (§6.2)', ask(), answersOn()),
  specCase('generic/3.2/2', 'HEADERS with padding are taken (§6.2)', paddedAsk(8), answersOn()),
  specCase('generic/3.2/3', 'HEADERS with a priority are taken (§6.2)', weighedAsk({}), answersOn()),
  specCase('generic/3.3/1', 'PRIORITY of 1 is taken (§6.3)', priority(1, { weight: 0 }), ask(), answersOn()),
  specCase('generic/3.3/2', 'PRIORITY of 256 is taken (§6.3)', priority(1), ask(), answersOn()),
  specCase(
    'generic/3.3/3',
    'PRIORITY that names another stream is taken (§6.3)',
    priority(3, { on: 1, weight: 0 }),
    ask(),
    answersOn(),
  ),
  specCase(
    'generic/3.3/4',
    'PRIORITY that is exclusive is taken (§6.3)',
    priority(1, { exclusive: true, weight: 0 }),
    ask(),
    answersOn(),
  ),
  specCase(
    'generic/3.3/5',
    'PRIORITY of an idle stream opens none, so that a lower one may be opened (§6.3)',
    priority(3),
    ask(),
    answersOn(),
  ),
  specCase(
    'generic/3.4/1',
    'RST_STREAM is taken (§6.4)',
    OPENED,
    rst(CODE.CANCEL),
    ping(),
    pongsOrEnds(PING_CONTENT),
  ),
  specCase(
    'generic/3.5/1',
    'SETTINGS of every kind are acknowledged (§6.5)',
    settings(
      setting(SETTING.HEADER_TABLE_SIZE, 4096),
      setting(SETTING.ENABLE_PUSH, 1),
      setting(SETTING.MAX_CONCURRENT_STREAMS, 100),
      setting(SETTING.INITIAL_WINDOW_SIZE, 65_535),
      setting(SETTING.MAX_FRAME_SIZE, 16_384),
      setting(SETTING.MAX_HEADER_LIST_SIZE, 100),
    ),
    settingsAcknowledged,
  ),
  specCase('generic/3.7/1', 'PING is acknowledged (§6.7)', ping(), pong),
  specCase(
    'generic/3.8/1',
    'GOAWAY is taken (§6.8)',
    goAwayFrame(CODE.NO_ERROR),
    ping(),
    pongsOrEnds(PING_CONTENT),
  ),
  specCase('generic/3.9/1', 'WINDOW_UPDATE of the connection is taken (§6.9)', update(1), ping(), pong),
  specCase('generic/3.9/2', 'WINDOW_UPDATE of a stream is taken (§6.9)', ask(), update(1, 1), answersOn()),
  specCase(
    'generic/3.10/1',
    'CONTINUATION is taken, wherever the block is cut (§6.10)',
    frame(TYPE.HEADERS, END_STREAM, 1, GET_BLOCK.subarray(0, 5)),
    frame(TYPE.CONTINUATION, END_HEADERS, 1, GET_BLOCK.subarray(5)),
    answersOn(),
  ),
  specCase(
    'generic/3.10/2',
    'several CONTINUATION are taken (§6.10)',
    frame(TYPE.HEADERS, END_STREAM, 1, GET_BLOCK.subarray(0, 5)),
    frame(TYPE.CONTINUATION, 0, 1, GET_BLOCK.subarray(5, 10)),
    frame(TYPE.CONTINUATION, END_HEADERS, 1, GET_BLOCK.subarray(10)),
    answersOn(),
  ),
]

const MESSAGES: readonly SpecCase[] = [
  specCase('generic/4/1', 'GET is answered (§8.1)', ask(), answersOn()),
  specCase('generic/4/2', 'HEAD is answered (§8.1)', ask(requestOf({ ':method': 'HEAD' })), answersOn()),
  specCase('generic/4/3', 'POST is answered (§8.1)', post(), data('test', END_STREAM), answersOn()),
  specCase(
    'generic/4/4',
    'POST with trailers is answered (§8.1)',
    post(['trailer', 'x-test']),
    data('test', 0),
    ask([['x-test', 'ok']], { flags: BOTH }),
    answersOn(),
  ),
]

/** `user-agent` in the static table. */
const USER_AGENT = 58

/** The three literals of RFC 7541 §6.2: how they begin, and how many bits of an index that leaves. */
const LITERALS = [
  ['into the table (RFC 7541 §6.2.1)', 0x40, 6],
  ['without indexing (RFC 7541 §6.2.2)', 0, 4],
  ['that is never indexed (RFC 7541 §6.2.3)', 0x10, 4],
] as const

const tail = (id: string, says: string, ...parts: Buffer[]): SpecCase =>
  specCase(id, says, ask(GET, { tail: Buffer.concat(parts) }), answersOn())
const lead = (id: string, says: string, ...parts: Buffer[]): SpecCase =>
  specCase(id, says, ask(GET, { lead: Buffer.concat(parts) }), answersOn())

const HPACK: readonly SpecCase[] = [
  tail('generic/5/1', 'a field by its index is taken (RFC 7541 §6.1)', integer(USER_AGENT, 7, 0x80)),
  ...LITERALS.flatMap(([kind, mark, bits], each) => {
    const id = (number: number): string => `generic/5/${2 + 4 * each + number}`
    return [
      tail(
        id(0),
        `a literal ${kind} with an indexed name is taken`,
        integer(USER_AGENT, bits, mark),
        literal('test'),
      ),
      tail(
        id(1),
        `a Huffman-coded literal ${kind} with an indexed name is taken`,
        integer(USER_AGENT, bits, mark),
        literal('test', 'huffman'),
      ),
      tail(
        id(2),
        `a literal ${kind} with a new name is taken`,
        Buffer.from([mark]),
        literal('x-test'),
        literal('test'),
      ),
      tail(
        id(3),
        `a Huffman-coded literal ${kind} with a new name is taken`,
        Buffer.from([mark]),
        literal('x-test', 'huffman'),
        literal('test', 'huffman'),
      ),
    ]
  }),
  lead('generic/5/14', 'a change of the table is taken (RFC 7541 §6.3)', integer(0, 5, 0x20)),
  lead(
    'generic/5/15',
    'two changes of the table are taken (RFC 7541 §4.2)',
    integer(0, 5, 0x20),
    integer(4096, 5, 0x20),
  ),
]

export const GENERIC_CASES: readonly SpecCase[] = [...CONNECTION, ...FRAMES, ...MESSAGES, ...HPACK]
