import { Bits } from './bits.ts'
import { refuse } from './refusal.ts'
import { Window } from './window.ts'

const SEQUENCE_HEADER = 1
/** Body of `av1C` up to its open bitstream units (AV1 in ISO base media, 2.3.3). */
const FIXED_FIELDS = 4

/** Largest size in pixels that the sequence header in an `av1C` box states. */
export function readAv1Picture(config: Uint8Array): { width: number; height: number } {
  const bits = new Bits(sequenceHeaderOf(config), 'sequence header')
  bits.bits(3 + 1)
  const reduced = bits.flag()
  if (reduced) bits.bits(5)
  else skipOperatingPoints(bits)
  const widthBits = bits.bits(4) + 1
  const heightBits = bits.bits(4) + 1
  return { width: bits.bits(widthBits) + 1, height: bits.bits(heightBits) + 1 }
}

/** AV1 bitstream, 5.5.1. */
function skipOperatingPoints(bits: Bits): void {
  let delayBits: number | undefined
  if (bits.flag()) {
    bits.bits(32)
    bits.bits(32)
    if (bits.flag()) bits.ue()
    if (bits.flag()) {
      delayBits = bits.bits(5) + 1
      bits.bits(32)
      bits.bits(10)
    }
  }
  const displayDelay = bits.flag()
  for (let points = bits.bits(5) + 1; points > 0; points--) {
    bits.bits(12)
    if (bits.bits(5) > 7) bits.bit()
    if (delayBits !== undefined && bits.flag()) {
      bits.bits(delayBits)
      bits.bits(delayBits)
      bits.bit()
    }
    if (displayDelay && bits.flag()) bits.bits(4)
  }
}

function sequenceHeaderOf(config: Uint8Array): Uint8Array {
  const box = new Window(config, 'av1C')
  let at = FIXED_FIELDS
  while (at < box.length) {
    const head = box.u8(at++)
    if ((head & 4) !== 0) at++
    let length = box.length - at
    if ((head & 2) !== 0) {
      length = 0
      for (let shift = 0, more = true; more && shift < 28; shift += 7) {
        const byte = box.u8(at++)
        length += (byte & 127) << shift
        more = (byte & 128) !== 0
      }
    }
    if (((head >> 3) & 15) === SEQUENCE_HEADER) return box.bytes(at, at + length)
    at += length
  }
  return refuse('malformed', 'The "av1C" box has no sequence header.')
}
