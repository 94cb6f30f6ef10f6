import {
  ask,
  BOTH,
  continued,
  goAwayFrame,
  large,
  OPENED,
  paddedData,
  ping,
  PING_CONTENT,
  post,
  priority,
  rst,
  settings,
  UNKNOWN,
  update,
  weighedAsk,
} from './http2-requests.ts'
import { bareCase, Made, specCase, type SpecCase } from './http2-spec.ts'
import {
  answersOn,
  connectionError,
  dataComes,
  ends,
  goAway,
  pongs,
  reset,
  settingsAcknowledged,
  streamEnds,
  streamError,
} from './http2-verdicts.ts'
import {
  ACK,
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  PADDED,
  PREFACE,
  requestOf,
  SETTING,
  setting,
  TYPE,
  uint32,
} from './raw-http2.ts'

const pong = pongs(PING_CONTENT)
const protocolError = connectionError(CODE.PROTOCOL_ERROR)
const sizeError = connectionError(CODE.FRAME_SIZE_ERROR)
const streamClosed = streamError(CODE.STREAM_CLOSED)
const windowOf = (...bytes: number[]): Buffer =>
  settings(...bytes.map(each => setting(SETTING.INITIAL_WINDOW_SIZE, each)))
const DATA = data('test', END_STREAM)

const PREFACES: readonly SpecCase[] = [
  bareCase('http2/3.5/1', 'the preface is answered with SETTINGS (§3.4)', PREFACE, windowOf(65_535), peer =>
    peer.wait('SETTINGS as the first frame', seen => {
      if (typeof seen === 'string') return undefined
      if (seen.type !== TYPE.SETTINGS || seen.flags !== 0) throw new Error('another frame came first')
      return true
    }),
  ),
  bareCase(
    'http2/3.5/2',
    'what is no preface ends the connection (§3.4)',
    Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n'),
    protocolError,
  ),
]

/** As large as the server takes them, and so many bytes more. */
const longestData = (more: number): Made =>
  new Made(peer => data('x'.repeat((peer.settings.get(SETTING.MAX_FRAME_SIZE) ?? 16_384) + more), END_STREAM))

const HEADS_OF_FRAMES: readonly SpecCase[] = [
  specCase('http2/4.1/1', 'a frame of an unknown type is not looked at (§4.1)', UNKNOWN, ping(), pong),
  specCase('http2/4.1/2', 'flags that mean nothing are not looked at (§4.1)', ping(PING_CONTENT, 0x16), pong),
  specCase(
    'http2/4.1/3',
    'the reserved bit is not looked at (§4.1)',
    ping(PING_CONTENT, 0x16, 2 ** 31),
    pong,
  ),
  specCase('http2/4.2/1', 'DATA of 16,384 bytes is taken (§4.2)', post(), longestData(0), answersOn()),
  specCase(
    'http2/4.2/2',
    'DATA of more than the server takes is an error of its size (§4.2)',
    post(),
    longestData(1),
    streamError(CODE.FRAME_SIZE_ERROR),
  ),
  specCase(
    'http2/4.2/3',
    'HEADERS of more than the server takes end the connection (§4.2)',
    ask([...GET, ...large(5)]),
    sizeError,
  ),
  specCase(
    'http2/4.3/1',
    'a field block that breaks off ends the connection (§4.3)',
    frame(TYPE.HEADERS, BOTH, 1, Buffer.from([0x40])),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
  specCase(
    'http2/4.3/2',
    'PRIORITY within a field block ends the connection (§4.3)',
    ask(GET, { flags: 0 }),
    priority(1),
    continued(large()),
    protocolError,
  ),
  specCase(
    'http2/4.3/3',
    'HEADERS of another stream within a field block end the connection (§4.3)',
    ask(GET, { flags: 0 }),
    ask(GET, { stream: 3 }),
    continued(large()),
    protocolError,
  ),
]

const STATES: readonly SpecCase[] = [
  specCase('http2/5.1/1', 'DATA of an idle stream ends the connection (§5.1)', DATA, protocolError),
  specCase(
    'http2/5.1/2',
    'RST_STREAM of an idle stream ends the connection (§5.1)',
    rst(CODE.CANCEL),
    protocolError,
  ),
  specCase(
    'http2/5.1/3',
    'WINDOW_UPDATE of an idle stream ends the connection (§5.1)',
    update(100, 1),
    protocolError,
  ),
  specCase(
    'http2/5.1/4',
    'CONTINUATION of an idle stream ends the connection (§5.1)',
    continued(GET),
    protocolError,
  ),
  specCase('http2/5.1/5', 'DATA behind the end of a request is an error (§5.1)', ask(), DATA, streamClosed),
  specCase(
    'http2/5.1/6',
    'HEADERS behind the end of a request are an error (§5.1)',
    ask(),
    ask(),
    streamClosed,
  ),
  specCase(
    'http2/5.1/7',
    'CONTINUATION behind the end of a request is an error (§5.1)',
    ask(),
    continued(GET),
    streamError(CODE.STREAM_CLOSED, CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'http2/5.1/8',
    'DATA behind RST_STREAM is an error (§5.1)',
    OPENED,
    rst(CODE.CANCEL),
    DATA,
    streamClosed,
  ),
  specCase(
    'http2/5.1/9',
    'HEADERS behind RST_STREAM are an error (§5.1)',
    OPENED,
    rst(CODE.CANCEL),
    ask(),
    streamClosed,
  ),
  specCase(
    'http2/5.1/10',
    'CONTINUATION behind RST_STREAM is an error (§5.1)',
    OPENED,
    rst(CODE.CANCEL),
    continued(large()),
    streamError(CODE.STREAM_CLOSED, CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'http2/5.1/11',
    'DATA of a closed stream is an error (§5.1)',
    ask(),
    streamEnds,
    DATA,
    streamClosed,
  ),
  specCase(
    'http2/5.1/12',
    'HEADERS of a closed stream end the connection (§5.1)',
    ask(),
    streamEnds,
    ask(),
    connectionError(CODE.STREAM_CLOSED),
  ),
  specCase(
    'http2/5.1/13',
    'CONTINUATION of a closed stream ends the connection (§5.1)',
    ask(),
    streamEnds,
    continued(large()),
    connectionError(CODE.STREAM_CLOSED, CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'http2/5.1.1/1',
    'a stream of an even number ends the connection (§5.1.1)',
    ask(GET, { stream: 2 }),
    protocolError,
  ),
  specCase(
    'http2/5.1.1/2',
    'a stream that was passed over ends the connection when it is opened (§5.1.1)',
    ask(GET, { stream: 5 }),
    ask(GET, { stream: 3 }),
    protocolError,
  ),
  specCase(
    'http2/5.1.2/1',
    'one stream more than the server takes is refused (§5.1.2)',
    windowOf(0),
    new Made(peer => {
      const most = peer.settings.get(SETTING.MAX_CONCURRENT_STREAMS)
      if (most === undefined) throw new Error('the server announces no MAX_CONCURRENT_STREAMS')
      const fields = peer.encode(GET)
      return Buffer.concat(
        Array.from({ length: most + 1 }, (_, each) => frame(TYPE.HEADERS, BOTH, 1 + 2 * each, fields)),
      )
    }),
    streamError(CODE.PROTOCOL_ERROR, CODE.REFUSED_STREAM),
  ),
  // RFC 9113 §5.3.2 no longer asks for these two; the public tools still do.
  specCase(
    'http2/5.3.1/1',
    'HEADERS of a stream that depends on itself are an error (RFC 7540 §5.3.1)',
    weighedAsk({ on: 1 }),
    streamError(CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'http2/5.3.1/2',
    'PRIORITY of a stream that depends on itself is an error (RFC 7540 §5.3.1)',
    priority(1, { on: 1 }),
    streamError(CODE.PROTOCOL_ERROR),
  ),
  specCase('http2/5.4.1/1', 'an error of the connection closes it (§5.4.1)', ping(PING_CONTENT, 0, 3), ends),
  specCase('http2/5.4.1/2', 'and a GOAWAY comes first (§5.4.1)', ping(PING_CONTENT, 0, 3), goAway()),
  specCase('http2/5.5/1', 'a frame of an extension is not looked at (§5.5)', UNKNOWN, ping(), pong),
  specCase(
    'http2/5.5/2',
    'a frame of an extension within a field block ends the connection (§5.5)',
    ask(GET, { flags: END_STREAM }),
    UNKNOWN,
    protocolError,
  ),
]

const DATA_TO_PRIORITY: readonly SpecCase[] = [
  specCase(
    'http2/6.1/1',
    'DATA of stream 0 ends the connection (§6.1)',
    data('test', END_STREAM, 0),
    protocolError,
  ),
  specCase(
    'http2/6.1/2',
    'DATA of a stream that takes none is an error (§6.1)',
    ask(requestOf({ ':method': 'POST' })),
    DATA,
    streamClosed,
  ),
  specCase(
    'http2/6.1/3',
    'DATA with padding longer than the frame ends the connection (§6.1)',
    post(['content-length', '4']),
    paddedData('test', 0, 6),
    protocolError,
  ),
  specCase(
    'http2/6.2/1',
    'PRIORITY behind HEADERS without END_HEADERS ends the connection (§6.2)',
    ask(GET, { flags: 0 }),
    priority(1),
    continued(large()),
    protocolError,
  ),
  specCase(
    'http2/6.2/2',
    'HEADERS of another stream behind HEADERS without END_HEADERS end the connection (§6.2)',
    ask(GET, { flags: 0 }),
    ask(GET, { stream: 3 }),
    continued(large()),
    protocolError,
  ),
  specCase(
    'http2/6.2/3',
    'HEADERS of stream 0 end the connection (§6.2)',
    ask(GET, { stream: 0 }),
    protocolError,
  ),
  specCase(
    'http2/6.2/4',
    'HEADERS with padding longer than the frame are an error (§6.2)',
    new Made(peer => {
      const fields = peer.encode(GET)
      return frame(TYPE.HEADERS, BOTH | PADDED, 1, Buffer.concat([Buffer.from([fields.length + 2]), fields]))
    }),
    streamError(CODE.PROTOCOL_ERROR),
  ),
  specCase('http2/6.3/1', 'PRIORITY of stream 0 ends the connection (§6.3)', priority(0), protocolError),
  specCase(
    'http2/6.3/2',
    'PRIORITY of another size is an error (§6.3)',
    ask(),
    frame(TYPE.PRIORITY, 0, 1, Buffer.from([0x80, 0, 0, 1])),
    streamError(CODE.FRAME_SIZE_ERROR),
  ),
]

const RST_TO_SETTINGS: readonly SpecCase[] = [
  specCase(
    'http2/6.4/1',
    'RST_STREAM of stream 0 ends the connection (§6.4)',
    rst(CODE.CANCEL, 0),
    protocolError,
  ),
  specCase(
    'http2/6.4/2',
    'RST_STREAM of an idle stream ends the connection (§6.4)',
    rst(CODE.CANCEL),
    protocolError,
  ),
  specCase(
    'http2/6.4/3',
    'RST_STREAM of another size is an error (§6.4)',
    ask(),
    frame(TYPE.RST_STREAM, 0, 1, Buffer.alloc(3)),
    streamError(CODE.FRAME_SIZE_ERROR),
  ),
  specCase(
    'http2/6.5/1',
    'an acknowledgement of SETTINGS with content ends the connection (§6.5)',
    frame(TYPE.SETTINGS, ACK, 0, Buffer.alloc(1)),
    sizeError,
  ),
  specCase(
    'http2/6.5/2',
    'SETTINGS of a stream end the connection (§6.5)',
    frame(TYPE.SETTINGS, 0, 1, setting(SETTING.MAX_CONCURRENT_STREAMS, 100)),
    protocolError,
  ),
  specCase(
    'http2/6.5/3',
    'SETTINGS of half a setting end the connection (§6.5)',
    frame(TYPE.SETTINGS, 0, 0, Buffer.from([0, 3, 0])),
    streamError(CODE.PROTOCOL_ERROR, CODE.FRAME_SIZE_ERROR),
  ),
  specCase(
    'http2/6.5.2/1',
    'ENABLE_PUSH of 2 ends the connection (§6.5.2)',
    settings(setting(SETTING.ENABLE_PUSH, 2)),
    protocolError,
  ),
  specCase(
    'http2/6.5.2/2',
    'INITIAL_WINDOW_SIZE of 2^31 ends the connection (§6.5.2)',
    windowOf(2 ** 31),
    connectionError(CODE.FLOW_CONTROL_ERROR),
  ),
  specCase(
    'http2/6.5.2/3',
    'MAX_FRAME_SIZE of less than 16,384 ends the connection (§6.5.2)',
    settings(setting(SETTING.MAX_FRAME_SIZE, 16_383)),
    protocolError,
  ),
  specCase(
    'http2/6.5.2/4',
    'MAX_FRAME_SIZE of 2^24 ends the connection (§6.5.2)',
    settings(setting(SETTING.MAX_FRAME_SIZE, 2 ** 24)),
    protocolError,
  ),
  specCase(
    'http2/6.5.2/5',
    'a setting that nobody knows is not looked at (§6.5.2)',
    settings(setting(0xff, 1)),
    ping(),
    pong,
  ),
  specCase(
    'http2/6.5.3/1',
    'the last of two values of a setting holds (§6.5.3)',
    windowOf(100, 1),
    settingsAcknowledged,
    ask(),
    dataComes(1),
  ),
  specCase(
    'http2/6.5.3/2',
    'SETTINGS are acknowledged at once (§6.5.3)',
    settings(setting(SETTING.ENABLE_PUSH, 0)),
    settingsAcknowledged,
  ),
]

const PING_TO_WINDOWS: readonly SpecCase[] = [
  specCase('http2/6.7/1', 'PING is acknowledged with its content (§6.7)', ping(), pong),
  specCase(
    'http2/6.7/2',
    'an acknowledgement of PING is not answered (§6.7)',
    ping(Buffer.from('nobody..'), ACK),
    ping(),
    pong,
  ),
  specCase(
    'http2/6.7/3',
    'PING of a stream ends the connection (§6.7)',
    ping(PING_CONTENT, 0, 1),
    protocolError,
  ),
  specCase(
    'http2/6.7/4',
    'PING of another size ends the connection (§6.7)',
    ping(Buffer.alloc(6)),
    sizeError,
  ),
  specCase(
    'http2/6.8/1',
    'GOAWAY of a stream ends the connection (§6.8)',
    goAwayFrame(CODE.NO_ERROR, 1),
    protocolError,
  ),
  specCase('http2/6.9/1', 'WINDOW_UPDATE of 0 ends the connection (§6.9)', update(0), protocolError),
  specCase(
    'http2/6.9/2',
    'WINDOW_UPDATE of 0 of a stream is an error (§6.9)',
    OPENED,
    update(0, 1),
    streamError(CODE.PROTOCOL_ERROR),
  ),
  specCase(
    'http2/6.9/3',
    'WINDOW_UPDATE of another size ends the connection (§6.9)',
    frame(TYPE.WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 1])),
    sizeError,
  ),
  specCase(
    'http2/6.9.1/1',
    'no more is sent than the window of a stream takes (§6.9.1)',
    windowOf(1),
    settingsAcknowledged,
    ask(),
    dataComes(1),
  ),
  specCase(
    'http2/6.9.1/2',
    "the connection's window above 2^31 - 1 ends it (§6.9.1)",
    update(2 ** 31 - 1),
    update(2 ** 31 - 1),
    goAway(CODE.FLOW_CONTROL_ERROR),
  ),
  specCase(
    'http2/6.9.1/3',
    "a stream's window above 2^31 - 1 resets it (§6.9.1)",
    OPENED,
    update(2 ** 31 - 1, 1),
    update(2 ** 31 - 1, 1),
    reset(CODE.FLOW_CONTROL_ERROR, 1),
  ),
  specCase(
    'http2/6.9.2/1',
    'a larger INITIAL_WINDOW_SIZE opens the windows of streams that there are (§6.9.2)',
    windowOf(0),
    settingsAcknowledged,
    ask(),
    windowOf(1),
    dataComes(1),
  ),
  specCase(
    'http2/6.9.2/2',
    'a window below 0 is made up for before anything is sent (§6.9.2)',
    windowOf(3),
    settingsAcknowledged,
    ask(),
    dataComes(),
    windowOf(2),
    settingsAcknowledged,
    update(2, 1),
    dataComes(1),
  ),
  specCase(
    'http2/6.9.2/3',
    'INITIAL_WINDOW_SIZE of more than a window may be ends the connection (§6.9.2)',
    frame(TYPE.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(2 ** 31)])),
    connectionError(CODE.FLOW_CONTROL_ERROR),
  ),
]

const CONTINUATIONS: readonly SpecCase[] = [
  specCase(
    'http2/6.10/1',
    'two CONTINUATION behind HEADERS are taken (§6.10)',
    ask(GET, { flags: END_STREAM }),
    continued(large(), 0),
    continued(large()),
    answersOn(),
  ),
  specCase(
    'http2/6.10/2',
    'another frame behind a CONTINUATION without END_HEADERS ends the connection (§6.10)',
    ask(requestOf({ ':method': 'POST' }), { flags: 0 }),
    continued(large(), 0),
    DATA,
    protocolError,
  ),
  specCase(
    'http2/6.10/3',
    'CONTINUATION of stream 0 ends the connection (§6.10)',
    ask(GET, { flags: END_STREAM }),
    continued(large(), END_HEADERS, 0),
    protocolError,
  ),
  specCase(
    'http2/6.10/4',
    'CONTINUATION behind HEADERS with END_HEADERS ends the connection (§6.10)',
    ask(),
    continued(large()),
    protocolError,
  ),
  specCase(
    'http2/6.10/5',
    'CONTINUATION behind a CONTINUATION with END_HEADERS ends the connection (§6.10)',
    ask(GET, { flags: END_STREAM }),
    continued(large()),
    continued(large()),
    protocolError,
  ),
  specCase(
    'http2/6.10/6',
    'CONTINUATION behind DATA ends the connection (§6.10)',
    ask(requestOf({ ':method': 'POST' }), { flags: 0 }),
    DATA,
    continued(large(), 0),
    continued(large(), END_HEADERS, 0),
    protocolError,
  ),
]

export const PROTOCOL_CASES: readonly SpecCase[] = [
  ...PREFACES,
  ...HEADS_OF_FRAMES,
  ...STATES,
  ...DATA_TO_PRIORITY,
  ...RST_TO_SETTINGS,
  ...PING_TO_WINDOWS,
  ...CONTINUATIONS,
]
