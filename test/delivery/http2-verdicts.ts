import type { SpecPeer } from './http2-spec.ts'
import { ACK, CODE, END_STREAM, TYPE, type Frame } from './raw-http2.ts'

/**
 * What each demands of a server. An end of the connection counts when it comes in order; a reset of TCP does not, since
 * it may overtake the GOAWAY before it (RFC 9113 §5.4.1 wants both).
 */
type Verdict = (peer: SpecPeer) => Promise<unknown>

const named = (codes: readonly number[]): string =>
  codes.map(code => Object.entries(CODE).find(([, each]) => each === code)?.[0] ?? String(code)).join(' or ')

const has = (type: number, codes: readonly number[], seen: Frame): boolean =>
  seen.type === type && codes.includes(seen.payload.readUInt32BE(type === TYPE.GOAWAY ? 4 : 0))

/** GOAWAY with one of the codes, or an end of the connection (§5.4.1). */
export function connectionError(...codes: number[]): Verdict {
  return peer =>
    peer.wait(`GOAWAY(${named(codes)}) or an end`, seen =>
      typeof seen === 'string' ? seen === 'ended' || undefined : has(TYPE.GOAWAY, codes, seen) || undefined,
    )
}

/** RST_STREAM with one of the codes, or GOAWAY with one, or an end of the connection (§5.4.2). */
export function streamError(...codes: number[]): Verdict {
  return peer =>
    peer.wait(`RST_STREAM or GOAWAY(${named(codes)}) or an end`, seen => {
      if (typeof seen === 'string') return seen === 'ended' || undefined
      return has(TYPE.GOAWAY, codes, seen) || has(TYPE.RST_STREAM, codes, seen) || undefined
    })
}

/** GOAWAY with one of the codes, or any where none is named, and nothing else. */
export function goAway(...codes: number[]): Verdict {
  return peer =>
    first(peer, TYPE.GOAWAY, named(codes), seen => codes.length === 0 || has(TYPE.GOAWAY, codes, seen))
}

/** RST_STREAM with the code and nothing else, of the stream, or of any where none is named. */
export function reset(code: number, stream?: number): Verdict {
  return peer =>
    first(
      peer,
      TYPE.RST_STREAM,
      `${named([code])} of ${stream ?? 'any'}`,
      seen => (stream === undefined || seen.stream === stream) && has(TYPE.RST_STREAM, [code], seen),
    )
}

/** The connection ends. */
export const ends: Verdict = peer =>
  peer.wait('an end', seen => (typeof seen === 'string' ? seen === 'ended' || undefined : undefined))

/** The first frame of a type is such a one. */
function first(peer: SpecPeer, type: number, wanted: string, such: (seen: Frame) => boolean): Promise<Frame> {
  const name = Object.entries(TYPE).find(([, each]) => each === type)?.[0] ?? String(type)
  return peer.wait(`${name}: ${wanted}`, seen => {
    if (typeof seen === 'string' || seen.type !== type) return undefined
    if (!such(seen))
      throw new Error(
        `wanted ${name}: ${wanted}; there came flags ${seen.flags} on stream ${seen.stream}, ${seen.payload.toString('hex').slice(0, 64)}`,
      )
    return seen
  })
}

/** HEADERS come, of that stream. */
export function answersOn(stream = 1): Verdict {
  return peer => first(peer, TYPE.HEADERS, `of stream ${stream}`, seen => seen.stream === stream)
}

/** A DATA frame comes, of that many bytes where it matters. */
export function dataComes(bytes?: number): Verdict {
  return peer =>
    first(
      peer,
      TYPE.DATA,
      `${bytes ?? 'any'} bytes`,
      seen => bytes === undefined || seen.payload.length === bytes,
    )
}

/** The next SETTINGS frame acknowledges ours. */
export const settingsAcknowledged: Verdict = peer =>
  first(peer, TYPE.SETTINGS, 'an acknowledgement', seen => seen.flags === ACK)

/** The next PING frame acknowledges ours, with the same content. */
export function pongs(content: Buffer): Verdict {
  return peer =>
    first(peer, TYPE.PING, `an acknowledgement of ${content.toString('hex')}`, seen => isPong(seen, content))
}

const isPong = (seen: Frame, content: Buffer): boolean =>
  seen.type === TYPE.PING && (seen.flags & ACK) !== 0 && seen.payload.equals(content)

/** The same, or the connection ends. */
export function pongsOrEnds(content: Buffer): Verdict {
  return peer =>
    peer.wait('an acknowledged PING or an end', seen =>
      typeof seen === 'string' ? seen === 'ended' || undefined : isPong(seen, content) || undefined,
    )
}

/** The server has ended its side of a stream. */
export const streamEnds: Verdict = peer =>
  peer.wait('the end of a stream', seen => {
    if (typeof seen === 'string') return undefined
    if (seen.type === TYPE.DATA || seen.type === TYPE.HEADERS)
      return (seen.flags & END_STREAM) !== 0 || undefined
    return has(TYPE.RST_STREAM, [CODE.NO_ERROR], seen) || undefined
  })

/** The stream is answered whole, with this status, and this body where it matters. */
export function answered(status: number, stream = 1, body?: string): Verdict {
  return async peer => {
    const answer = await peer.answer(stream)
    if (answer.status !== String(status) || (body !== undefined && answer.body !== body))
      throw new Error(`wanted ${status} ${body ?? ''}; there came ${answer.status} ${answer.body}`)
  }
}

/** A malformed request is reset, or is told so with a status where that is surer to reach its sender. */
export const refused: Verdict = async peer => {
  const seen = await peer.wait('RST_STREAM or GOAWAY(PROTOCOL_ERROR) or 400', each => {
    if (typeof each === 'string') return each === 'ended' ? each : undefined
    const codes = [CODE.PROTOCOL_ERROR]
    if (has(TYPE.GOAWAY, codes, each) || has(TYPE.RST_STREAM, codes, each)) return 'reset'
    return each.type === TYPE.HEADERS ? 'answered' : undefined
  })
  if (seen === 'answered') await answered(400)(peer)
}
