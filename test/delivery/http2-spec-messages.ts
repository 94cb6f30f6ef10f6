import { ask, goAwayFrame, ping, PING_CONTENT, post, rst } from './http2-requests.ts'
import { Made, specCase, type SpecCase, type Step } from './http2-spec.ts'
import { connectionError, pongs, pongsOrEnds, streamError } from './http2-verdicts.ts'
import { integer, literal } from './raw-hpack.ts'
import {
  CODE,
  data,
  END_HEADERS,
  END_STREAM,
  frame,
  GET,
  requestOf,
  SETTING,
  TYPE,
  uint32,
} from './raw-http2.ts'

const UNKNOWN_CODE = 0xff

const ERROR_CODES: readonly SpecCase[] = [
  specCase(
    'http2/7/1',
    'GOAWAY with a code that nobody knows is taken like another (§7)',
    goAwayFrame(UNKNOWN_CODE),
    ping(),
    pongsOrEnds(PING_CONTENT),
  ),
  specCase(
    'http2/7/2',
    'RST_STREAM with a code that nobody knows is taken like another (§7)',
    post(),
    rst(UNKNOWN_CODE),
    ping(),
    pongs(PING_CONTENT),
  ),
]

const malformed = (id: string, says: string, ...steps: Step[]): SpecCase =>
  specCase(id, `${says} is malformed`, ...steps, streamError(CODE.PROTOCOL_ERROR))

const MESSAGES: readonly SpecCase[] = [
  malformed(
    'http2/8.1/1',
    'a second HEADERS that does not end the request (§8.1)',
    post(),
    data('test', 0),
    ask([['x-test', 'ok']], { flags: END_HEADERS }),
  ),
  malformed('http2/8.1.2/1', 'a name in upper case (§8.2)', ask(requestOf({}, ['X-TEST', 'ok']))),
  malformed('http2/8.1.2.1/1', 'an unknown pseudo-header field (§8.3)', ask(requestOf({}, [':test', 'ok']))),
  malformed(
    'http2/8.1.2.1/2',
    "a response's pseudo-header field (§8.3)",
    ask(requestOf({}, [':status', '200'])),
  ),
  malformed(
    'http2/8.1.2.1/3',
    'a pseudo-header field in trailers (§8.3)',
    post(),
    data('test', 0),
    ask([[':method', 'POST']], { flags: END_HEADERS }),
  ),
  malformed('http2/8.1.2.1/4', 'a pseudo-header field behind others (§8.3)', ask([['x-test', 'ok'], ...GET])),
  malformed('http2/8.1.2.2/1', 'Connection (§8.2.2)', ask(requestOf({}, ['connection', 'keep-alive']))),
  malformed(
    'http2/8.1.2.2/2',
    'TE of anything but trailers (§8.2.2)',
    ask(requestOf({}, ['trailers', 'test'], ['te', 'trailers, deflate'])),
  ),
  malformed('http2/8.1.2.3/1', 'an empty :path (§8.3.1)', ask(requestOf({ ':path': '' }))),
  malformed(
    'http2/8.1.2.3/2',
    'a request without :method (§8.3.1)',
    ask(requestOf({ ':method': undefined })),
  ),
  malformed(
    'http2/8.1.2.3/3',
    'a request without :scheme (§8.3.1)',
    ask(requestOf({ ':scheme': undefined })),
  ),
  malformed('http2/8.1.2.3/4', 'a request without :path (§8.3.1)', ask(requestOf({ ':path': undefined }))),
  malformed('http2/8.1.2.3/5', 'a request with two :method (§8.3.1)', ask(requestOf({}, [':method', 'GET']))),
  malformed(
    'http2/8.1.2.3/6',
    'a request with two :scheme (§8.3.1)',
    ask(requestOf({}, [':scheme', 'https'])),
  ),
  malformed('http2/8.1.2.3/7', 'a request with two :path (§8.3.1)', ask(requestOf({}, [':path', '/a']))),
  malformed(
    'http2/8.1.2.6/1',
    'a body of another length than it says (§8.1.1)',
    post(['content-length', '1']),
    data('test', END_STREAM),
  ),
  malformed(
    'http2/8.1.2.6/2',
    'a body of another length than it says, in two frames (§8.1.1)',
    post(['content-length', '1']),
    data('test', 0),
    data('test', END_STREAM),
  ),
  specCase(
    'http2/8.2/1',
    'PUSH_PROMISE of a client ends the connection (§8.4)',
    new Made(peer => frame(TYPE.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(3), peer.encode(GET)]))),
    connectionError(CODE.PROTOCOL_ERROR),
  ),
]

const undecodable = (id: string, says: string, lead: Buffer, tail: Buffer = Buffer.alloc(0)): SpecCase =>
  specCase(
    id,
    `${says} ends the connection`,
    ask(GET, { lead, tail }),
    connectionError(CODE.COMPRESSION_ERROR),
  )
const NOTHING = Buffer.alloc(0)

/** Beyond the static table and what a request has put into the dynamic one. */
const NO_ENTRY = 70

/** `x-test: ` and a value of these bytes, marked as Huffman-coded. */
const coded = (...value: number[]): Buffer =>
  Buffer.concat([
    Buffer.from([0]),
    literal('x-test', 'huffman'),
    integer(value.length, 7, 0x80),
    Buffer.from(value),
  ])

const HPACK: readonly SpecCase[] = [
  undecodable(
    'hpack/2.3.3/1',
    'an index beyond both tables (RFC 7541 §2.3.3)',
    NOTHING,
    integer(NO_ENTRY, 7, 0x80),
  ),
  undecodable(
    'hpack/2.3.3/2',
    'an index of a name beyond both tables (RFC 7541 §2.3.3)',
    NOTHING,
    Buffer.concat([integer(NO_ENTRY, 6, 0x40), literal('')]),
  ),
  undecodable(
    'hpack/4.2/1',
    'a change of the table behind fields (RFC 7541 §4.2)',
    NOTHING,
    integer(1, 5, 0x20),
  ),
  // `test` in Huffman's code is 49 50 9f, of which the last five bits are padding.
  undecodable(
    'hpack/5.2/1',
    'padding of more than seven bits (RFC 7541 §5.2)',
    NOTHING,
    coded(0x49, 0x50, 0x9f, 0xff),
  ),
  undecodable('hpack/5.2/2', 'padding with zeros (RFC 7541 §5.2)', NOTHING, coded(0x49, 0x50, 0x90)),
  undecodable(
    'hpack/5.2/3',
    'EOS within a text (RFC 7541 §5.2)',
    NOTHING,
    coded(0xff, 0xff, 0xff, 0xfd, 0x25, 0x42, 0x7f),
  ),
  undecodable('hpack/6.1/1', 'index 0 (RFC 7541 §6.1)', NOTHING, integer(0, 7, 0x80)),
  specCase(
    'hpack/6.3/1',
    'a table of more than the server takes ends the connection (RFC 7541 §6.3)',
    new Made(peer => {
      const most = peer.settings.get(SETTING.HEADER_TABLE_SIZE) ?? 4096
      return ask(GET, { lead: integer(most + 1, 5, 0x20) }).bytes(peer)
    }),
    connectionError(CODE.COMPRESSION_ERROR),
  ),
]

export const MESSAGE_CASES: readonly SpecCase[] = [...ERROR_CODES, ...MESSAGES, ...HPACK]
