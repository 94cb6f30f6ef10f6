import { readAmf0, type AmfValue } from './amf.ts'
import { fault } from './fault.ts'
import { MESSAGE, type Message } from './message.ts'
import { authorityOf } from './publish-target.ts'

const LONGEST_TEXT = 4096

/** A command as it was sent (Adobe RTMP 1.0, 7). */
export interface Command {
  name: string
  transaction: number
  /** The message stream that it came on. */
  streamId: number
  /** What follows name and transaction; the first is the command object. */
  values: AmfValue[]
}

export function readCommand({ type, streamId, body }: Message): Command {
  const [name, transaction, ...values] = readAmf0(body.subarray(amf0From(type, body)))
  if (typeof name !== 'string' || name.length > 64) throw fault('A command has no name.')
  if (typeof transaction !== 'number') throw fault('A command has no transaction.')
  return { name, transaction, streamId, values }
}

/** A message of AMF3 begins with a byte that says AMF0 (0) for all that encoders send. */
function amf0From(type: number, body: Uint8Array): number {
  if (type !== MESSAGE.commandAmf3 && type !== MESSAGE.dataAmf3) return 0
  if (body[0] !== 0) throw fault('AMF3 is not read here.')
  return 1
}

/** What `connect` says. */
export interface Hello {
  app: string
  authority: string
  encoder: string
}

export function readHello({ values }: Command): Hello {
  const [properties] = values
  if (!(properties instanceof Map)) throw fault('connect has no properties.')
  const app: unknown = properties.get('app')
  const tcUrl: unknown = properties.get('tcUrl')
  const encoder: unknown = properties.get('flashVer')
  if (typeof app !== 'string' || app.length > LONGEST_TEXT) throw fault('connect names no app.')
  const authority = typeof tcUrl === 'string' && tcUrl.length <= LONGEST_TEXT ? authorityOf(tcUrl) : undefined
  if (authority === undefined) throw fault('connect names no tcUrl.')
  const printable = typeof encoder === 'string' ? encoder.slice(0, 256).replace(/[^\x20-\x7e]/g, '') : ''
  return { app, authority, encoder: printable.slice(0, 64) }
}

/** The stream's name in `publish`, with its query. */
export function readStreamName({ values }: Command): string {
  const name = values[1]
  if (typeof name !== 'string' || name.length > LONGEST_TEXT) throw fault('publish names no stream.')
  return name
}

/** `@setDataFrame` asks a server to keep what follows; whoever takes the tags keeps it anyway. */
const SET_DATA_FRAME = '@setDataFrame'
const SET_DATA_FRAME_BYTES = 3 + SET_DATA_FRAME.length

/** The body of a data message as FLV has it, beginning with `onMetaData` or another name. */
export function readScript({ type, body }: Message): Buffer {
  const amf0 = body.subarray(amf0From(type, body))
  const [first, second] = readAmf0(amf0)
  if (typeof first !== 'string') throw fault('A data message has no name.')
  if (first !== SET_DATA_FRAME) return amf0
  if (typeof second !== 'string') throw fault('@setDataFrame names nothing.')
  if (amf0[0] !== 0x02) throw fault('@setDataFrame is a long string.')
  return amf0.subarray(SET_DATA_FRAME_BYTES)
}
