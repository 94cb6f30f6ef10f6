/** Writes boxes (ISO/IEC 14496-12, 4.2) out of parts that are bytes already. */

export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts)
  return concat([u32(8 + body.length), ascii(type), body])
}

/** A box with version and flags. */
export function fullBox(
  type: string,
  version: number,
  flags: number,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  return box(type, u32(version * 2 ** 24 + flags), ...parts)
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export function u8(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

export function u16(...values: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(values.length * 2))
  values.forEach((value, index) => bytes.setUint16(index * 2, value))
  return new Uint8Array(bytes.buffer)
}

export function u32(...values: readonly number[]): Uint8Array {
  return u32List(values)
}

/** Signed values are written in two's complement. A list, since a long table does not fit into arguments. */
export function u32List(values: readonly number[]): Uint8Array {
  // No DataView: few bytes without one lie on the heap, where they cost no allocation of their own.
  const bytes = new Uint8Array(values.length * 4)
  let at = 0
  for (const value of values) {
    bytes[at++] = value >>> 24
    bytes[at++] = value >>> 16
    bytes[at++] = value >>> 8
    bytes[at++] = value
  }
  return bytes
}

/** A whole number from 0 to 2^53. */
export function u64(value: number): Uint8Array {
  return u32(Math.floor(value / 2 ** 32), value % 2 ** 32)
}

export function zeros(count: number): Uint8Array {
  return new Uint8Array(count)
}

export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at)
  return bytes
}
