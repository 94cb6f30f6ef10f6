import { HpackDecoder, HpackEncoder } from './raw-hpack.ts'
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  frame,
  PREFACE,
  RawHttp2,
  SETTING,
  setting,
  TYPE,
  type Fields,
  type Frame,
} from './raw-http2.ts'

/** How the bytes of a case travel: as few writes as can be, or in pieces, between which the server has its turn. */
export type Way = 'at once' | 'in pieces'

/** Bytes that are made when their turn comes, with the connection's HPACK table or the server's settings. */
export class Made {
  readonly bytes: (peer: SpecPeer) => Buffer

  constructor(bytes: (peer: SpecPeer) => Buffer) {
    this.bytes = bytes
  }
}

/** Bytes to send, or something to wait for when all before it is on its way. */
export type Step = Buffer | Made | ((peer: SpecPeer) => unknown)

export interface SpecCase {
  /** Group, section of RFC 7540 or 7541 and number in it; unique. */
  id: string
  /** A sentence with its section of RFC 9113 or 7541. */
  says: string
  /** `bare`: the connection begins with the case, without preface and SETTINGS. */
  begin: 'bare' | 'shaken hands'
  script: readonly Step[]
}

/** A case on a connection that shook hands: both sides' SETTINGS are acknowledged. */
export function specCase(id: string, says: string, ...script: Step[]): SpecCase {
  return { id, says, begin: 'shaken hands', script }
}

/** A case that sends the preface itself, or none. */
export function bareCase(id: string, says: string, ...script: Step[]): SpecCase {
  return { id, says, begin: 'bare', script }
}

/** Whoever does not answer within this fails. */
const PATIENCE = 2000

export interface SpecAnswer {
  status: string | undefined
  fields: readonly (readonly [name: string, value: string])[]
  body: string
}

type Seen = Frame | 'ended' | 'reset'

/** A client that reads frames one after the other, and holds each against what no server may send. */
export class SpecPeer {
  readonly raw: RawHttp2
  /** The server's. */
  readonly settings = new Map<number, number>()
  readonly #way: Way
  readonly #encoder = new HpackEncoder()
  readonly #decoder = new HpackDecoder()
  readonly #streams = new Map<number, { fields: [string, string][]; body: Buffer[]; ended: boolean }>()
  #heads: { stream: number; flags: number; parts: Buffer[] } | undefined
  #at = 0

  private constructor(raw: RawHttp2, way: Way) {
    this.raw = raw
    this.#way = way
  }

  static async open(
    base: string,
    way: Way = 'at once',
    begin: SpecCase['begin'] = 'shaken hands',
  ): Promise<SpecPeer> {
    const peer = new SpecPeer(await RawHttp2.open(base, Buffer.alloc(0)), way)
    peer.raw.socket.setNoDelay(true)
    if (begin === 'bare') return peer
    await peer.send(PREFACE, frame(TYPE.SETTINGS, 0, 0, setting(SETTING.INITIAL_WINDOW_SIZE, 65_535)))
    let [own, theirs] = [false, false]
    await peer.wait('SETTINGS and their acknowledgement', seen => {
      if (typeof seen === 'string' || seen.type !== TYPE.SETTINGS) return undefined
      if (seen.flags === ACK) own = true
      else theirs = true
      return (own && theirs) || undefined
    })
    await peer.send(frame(TYPE.SETTINGS, ACK, 0))
    return peer
  }

  /** Sends and waits as the script says. */
  async run(script: readonly Step[]): Promise<void> {
    let bytes: Buffer[] = []
    for (const step of script) {
      if (Buffer.isBuffer(step)) bytes.push(step)
      else if (step instanceof Made) bytes.push(step.bytes(this))
      else {
        await this.send(...bytes)
        bytes = []
        await step(this)
      }
    }
    await this.send(...bytes)
    while (this.#at < this.raw.frames.length) this.#pass()
  }

  encode(fields: Fields): Buffer {
    return this.#encoder.encode(fields)
  }

  async send(...frames: Buffer[]): Promise<void> {
    const bytes = Buffer.concat(frames)
    if (bytes.length === 0) return
    if (this.#way === 'at once') return void this.raw.socket.write(bytes)
    for (const each of frames) for (const piece of piecesOf(each)) await this.#write(piece)
  }

  async #write(bytes: Buffer): Promise<void> {
    // Whoever has ended the connection meanwhile is judged by what he sent before.
    await new Promise(resolve => this.raw.socket.write(bytes, resolve))
    await new Promise(resolve => setImmediate(resolve))
  }

  /** The first frame or end from here on about which the judge says something; what comes before is passed over. */
  async wait<T>(wanted: string, judge: (seen: Seen) => T | undefined): Promise<T> {
    const deadline = Date.now() + PATIENCE
    const passed: string[] = []
    for (;;) {
      const seen = await this.#next(deadline)
      const verdict = seen === undefined ? undefined : judge(seen)
      if (verdict !== undefined) return verdict
      passed.push(seen === undefined ? 'nothing any more' : nameOf(seen))
      if (seen === undefined || typeof seen === 'string')
        throw new Error(`wanted ${wanted}; there came ${passed.join(', ')}`)
    }
  }

  async #next(deadline: number): Promise<Seen | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, deadline - Date.now())
    })
    await Promise.race([this.raw.beyond(this.#at), late])
    clearTimeout(timer)
    return this.#at < this.raw.frames.length ? this.#pass() : this.raw.fate
  }

  /** What came on a stream that the server has ended. */
  async answer(stream = 1): Promise<SpecAnswer> {
    if (!this.#streams.get(stream)?.ended)
      await this.wait(`an answer on stream ${stream}`, () => this.#streams.get(stream)?.ended || undefined)
    const { fields = [], body = [] } = this.#streams.get(stream) ?? {}
    return {
      status: fields.find(([name]) => name === ':status')?.[1],
      fields,
      body: String(Buffer.concat(body)),
    }
  }

  /** What has come of a body. */
  bodyOf(stream: number): Buffer {
    return Buffer.concat(this.#streams.get(stream)?.body ?? [])
  }

  #pass(): Frame {
    const seen = this.raw.frames[this.#at++] as Frame // the caller looked
    const wrong = (what: string): never => {
      throw new Error(`the server sent ${nameOf(seen)}: ${what}`)
    }
    if (this.#at === 1 && seen.type !== TYPE.SETTINGS) wrong('SETTINGS must be the first (RFC 9113 §3.4)')
    if (seen.payload.length > 16_384) wrong('larger than we take (§4.2)')
    if (seen.type === TYPE.PUSH_PROMISE) wrong('nobody asked for it (§8.4)')
    if (seen.stream % 2 === 0 && seen.stream > 0) wrong('no such stream was opened (§5.1.1)')
    if (this.#heads && seen.type !== TYPE.CONTINUATION) wrong('within a field block (§6.10)')
    if (seen.type === TYPE.SETTINGS && seen.flags !== ACK) this.#learn(seen.payload)
    if (seen.type === TYPE.DATA) this.#took(seen, wrong)
    if (seen.type === TYPE.HEADERS) {
      if (this.#streams.get(seen.stream)?.ended) wrong('behind the end of its stream (§5.1)')
      this.#heads = { stream: seen.stream, flags: seen.flags, parts: [] }
    }
    if (seen.type === TYPE.HEADERS || seen.type === TYPE.CONTINUATION) this.#heard(seen, wrong)
    return seen
  }

  #learn(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6)
      this.settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
  }

  #took(seen: Frame, wrong: (what: string) => never): void {
    const stream = this.#streams.get(seen.stream)
    if (!stream) return wrong('before HEADERS (§8.1)')
    if (stream.ended) wrong('behind the end of its stream (§5.1)')
    stream.body.push(seen.payload)
    stream.ended = (seen.flags & END_STREAM) !== 0
  }

  #heard(seen: Frame, wrong: (what: string) => never): void {
    if (this.#heads?.stream !== seen.stream) return wrong('continues nothing (§6.10)')
    this.#heads.parts.push(seen.payload)
    if ((seen.flags & END_HEADERS) === 0) return
    const fields = this.#decoder.decode(Buffer.concat(this.#heads.parts))
    const ended = (this.#heads.flags & END_STREAM) !== 0
    this.#heads = undefined
    for (const [name, value] of fields)
      if (name !== name.toLowerCase() || /^(connection|keep-alive|transfer-encoding|upgrade)$/.test(name))
        wrong(`no message of HTTP/2 has ${name}: ${value} (§8.2)`)
    this.#streams.set(seen.stream, { fields, body: [], ended })
  }

  /** Our HEADER_TABLE_SIZE, once it is acknowledged; several where it changed more than once. */
  limitTable(...sizes: number[]): void {
    this.#decoder.limitTo(sizes)
  }

  close(): void {
    this.raw.close()
  }
}

/** Within the head of a frame, between head and payload, and within the payload. */
function piecesOf(bytes: Buffer): Buffer[] {
  const cuts = [0, 4, 9, 10, 15].filter(at => at < bytes.length)
  return cuts.map((from, at) => bytes.subarray(from, cuts[at + 1]))
}

function nameOf(seen: Seen): string {
  if (typeof seen === 'string') return seen === 'ended' ? 'an end in order' : 'a reset of TCP'
  const { type, flags, stream, payload } = seen
  const name = Object.entries(TYPE).find(([, each]) => each === type)?.[0] ?? `type ${type}`
  const code =
    type === TYPE.RST_STREAM
      ? payload.readUInt32BE()
      : type === TYPE.GOAWAY
        ? payload.readUInt32BE(4)
        : undefined
  return `${name}(${[`stream ${stream}`, `flags ${flags}`, code === undefined ? `${payload.length} bytes` : `code ${code}`].join(', ')})`
}
