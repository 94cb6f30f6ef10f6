/** Frame types of RFC 9113 §6. */
export const DATA = 0
export const HEADERS = 1
export const PRIORITY = 2
export const RST_STREAM = 3
export const SETTINGS = 4
export const PUSH_PROMISE = 5
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9

/** Flags. `ACK` is of SETTINGS and PING, where END_STREAM has no meaning. */
export const ACK = 1
export const END_STREAM = 1
export const END_HEADERS = 4
export const PADDED = 8
export const WITH_PRIORITY = 32

/** Bytes before what a frame carries (§4.1). */
export const FRAME_HEAD = 9

/** What a frame of either side may carry at the least (§4.2), and ours at the most. */
export const FRAME_BYTES = 16_384

/** A window before anybody has said anything else (§6.9.2), and the largest that there is (§6.9.1). */
export const FIRST_WINDOW = 65_535
export const LARGEST_WINDOW = 2 ** 31 - 1

/** Error codes of §7, those that are sent from here. */
export const NO_ERROR = 0
export const PROTOCOL_ERROR = 1
export const INTERNAL_ERROR = 2
export const FLOW_CONTROL_ERROR = 3
export const SETTINGS_TIMEOUT = 4
export const STREAM_CLOSED = 5
export const FRAME_SIZE_ERROR = 6
export const REFUSED_STREAM = 7
export const CANCEL = 8
export const COMPRESSION_ERROR = 9
export const ENHANCE_YOUR_CALM = 11

/** An error of the whole connection (§5.4.1), to be told with its code. */
export class ConnectionError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.name = 'ConnectionError'
    this.code = code
  }
}
