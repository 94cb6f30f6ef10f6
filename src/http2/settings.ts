import {
  ConnectionError,
  FLOW_CONTROL_ERROR,
  FRAME_BYTES,
  FRAME_HEAD,
  FRAME_SIZE_ERROR,
  LARGEST_WINDOW,
  PROTOCOL_ERROR,
  SETTINGS,
} from './codes.ts'

/** RFC 9113 §6.5.2. */
const HEADER_TABLE_SIZE = 1
const ENABLE_PUSH = 2
const MAX_CONCURRENT_STREAMS = 3
const INITIAL_WINDOW_SIZE = 4
const MAX_FRAME_SIZE = 5
const MAX_HEADER_LIST_SIZE = 6

const SETTING_BYTES = 6

/** Our SETTINGS frame, the first that is sent. What is not in it is as the protocol has it. */
export function ownSettings({ streams, headBytes }: { streams: number; headBytes: number }): Buffer {
  const settings: [number, number][] = [
    [MAX_CONCURRENT_STREAMS, streams],
    [MAX_HEADER_LIST_SIZE, headBytes],
  ]
  const frame = Buffer.alloc(FRAME_HEAD + settings.length * SETTING_BYTES)
  frame.writeUIntBE(settings.length * SETTING_BYTES, 0, 3)
  frame[3] = SETTINGS
  for (const [at, [id, value]] of settings.entries()) {
    frame.writeUInt16BE(id, FRAME_HEAD + at * SETTING_BYTES)
    frame.writeUInt32BE(value, FRAME_HEAD + at * SETTING_BYTES + 2)
  }
  return frame
}

/** What of a peer's settings makes a difference here; undefined where he has not set it. */
export interface PeerSettings {
  /** Of each stream at first. */
  window: number | undefined
  /** What he keeps of our fields. */
  tableBytes: number | undefined
}

/** Nothing is pushed, and larger frames than everybody takes would only keep others waiting: of the rest nothing is kept. */
export function readSettings(bytes: Buffer, from: number, to: number): PeerSettings {
  if ((to - from) % SETTING_BYTES !== 0) throw new ConnectionError(FRAME_SIZE_ERROR, 'half a setting')
  const settings: PeerSettings = { window: undefined, tableBytes: undefined }
  for (let at = from; at < to; at += SETTING_BYTES) {
    const value = bytes.readUInt32BE(at + 2)
    switch (bytes.readUInt16BE(at)) {
      case HEADER_TABLE_SIZE:
        settings.tableBytes = value
        break
      case ENABLE_PUSH:
        if (value > 1) throw new ConnectionError(PROTOCOL_ERROR, 'ENABLE_PUSH is neither 0 nor 1')
        break
      case INITIAL_WINDOW_SIZE:
        if (value > LARGEST_WINDOW) throw new ConnectionError(FLOW_CONTROL_ERROR, 'a window is too large')
        settings.window = value
        break
      case MAX_FRAME_SIZE:
        if (value < FRAME_BYTES || value >= 2 ** 24)
          throw new ConnectionError(PROTOCOL_ERROR, 'MAX_FRAME_SIZE is out of range')
        break
    }
  }
  return settings
}
