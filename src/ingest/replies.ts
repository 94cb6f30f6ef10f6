import type { Reason } from '../core/index.ts'
import type { Encodable } from './node-media-server.ts'
import type { Wire } from './wire.ts'

/** The window that an encoder is told, in bytes; nothing here waits for its acknowledgements. */
const WINDOW = 5_000_000
const DYNAMIC = 2
const STREAM_BEGIN = 0
/** Encoders show one line. */
const LONGEST_DESCRIPTION = 512

/** What enhanced RTMP may bring here: passed through, since the muxer has the last word on codecs. */
const FOUR_CC = strictArray(['avc1', 'hvc1', 'av01'])

/** Answers `connect`. */
export function greet(wire: Wire, transaction: number): void {
  wire.sendWindowACK(WINDOW)
  wire.setPeerBandwidth(WINDOW, DYNAMIC)
  wire.setChunkSize(wire.outChunkSize)
  wire.result(transaction, {
    cmdObj: { fmsVer: 'FMS/3,0,1,123', capabilities: 31, mode: 1 },
    info: {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
      // AMF0, whatever was asked for.
      objectEncoding: 0,
      fourCcList: FOUR_CC,
      // Enhanced RTMP 2: neither reconnect requests, multitrack nor ModEx.
      capsEx: 0,
    },
  })
}

/** Tells an encoder that it may send. */
export function welcome(wire: Wire, streamId: number, announced: boolean): void {
  const info = { level: 'status', code: 'NetStream.Publish.Start', description: 'Publishing.' }
  if (announced) wire.sendInvokeMessage(0, { cmd: 'onFCPublish', transId: 0, cmdObj: null, info })
  wire.sendStreamStatus(STREAM_BEGIN, streamId)
  wire.sendStatusMessage(streamId, 'status', info.code, info.description)
}

/** Tells an encoder why not, or why no longer. */
export function refuse(wire: Wire, streamId: number, reason: Reason, detail: string): void {
  wire.sendStatusMessage(streamId, 'error', codeOf(reason), printable(`${reason}: ${detail}`))
}

function codeOf(reason: Reason): string {
  switch (reason) {
    case 'no-play':
      return 'NetStream.Play.Failed'
    case 'no-channel':
    case 'bad-path':
    case 'busy':
      return 'NetStream.Publish.BadName'
    default:
      return 'NetStream.Publish.Denied'
  }
}

/** node-media-server counts the characters of a string where its bytes must be counted: only ASCII comes out right. */
function printable(text: string): string {
  return text.slice(0, LONGEST_DESCRIPTION).replace(/[^\x20-\x7e]/g, '?')
}

function strictArray(values: Encodable[]): Encodable[] {
  return Object.defineProperty(values, 'sarray', { value: true })
}
