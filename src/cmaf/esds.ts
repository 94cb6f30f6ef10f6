import { refuse } from './refusal.ts'
import type { Window } from './window.ts'

export interface EsDescriptor {
  /** 0x40 is MPEG-4 audio; 0x66 to 0x68 MPEG-2 AAC; 0x69 and 0x6B MP3. */
  objectType: number
  /** AudioSpecificConfig; empty when there is none. */
  config: Uint8Array
}

const ES = 3
const DECODER_CONFIG = 4
const DECODER_SPECIFIC = 5

/** Reads the body of an `esds` box: descriptors within descriptors (ISO/IEC 14496-1, 7.2.6). */
export function readEsds(esds: Window): EsDescriptor {
  const es = descriptor(esds.sub(4, esds.length), ES)
  if (!es) return refuse('malformed', 'The "esds" box holds no stream descriptor.')
  const flags = es.u8(2)
  let at = 3
  if ((flags & 128) !== 0) at += 2
  if ((flags & 64) !== 0) at += 1 + es.u8(at)
  if ((flags & 32) !== 0) at += 2
  const decoder = descriptor(es.sub(at, es.length), DECODER_CONFIG)
  if (!decoder) return refuse('malformed', 'The "esds" box holds no decoder configuration.')
  const specific = descriptor(decoder.sub(13, decoder.length), DECODER_SPECIFIC)
  return { objectType: decoder.u8(0), config: specific?.bytes(0, specific.length) ?? new Uint8Array(0) }
}

/** The body of the first descriptor when it has the tag that belongs here. */
function descriptor(from: Window, tag: number): Window | undefined {
  if (from.length === 0 || from.u8(0) !== tag) return undefined
  let length = 0
  let at = 1
  // Seven bits a byte, at most four of them.
  for (let more = true; more && at < 5; at++) {
    const byte = from.u8(at)
    length = length * 128 + (byte & 127)
    more = (byte & 128) !== 0
  }
  return from.sub(at, at + length)
}
