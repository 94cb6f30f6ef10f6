/** The little of DER (ITU-T X.690) that private keys and ECDSA signatures are made of. */
export const DER = { integer: 0x02, octets: 0x04, null: 0x05, oid: 0x06, sequence: 0x30 } as const

export interface DerItem {
  tag: number
  value: Uint8Array
}

/** The items that stand in a row; undefined when a length does not fit. */
export function readDer(bytes: Uint8Array): DerItem[] | undefined {
  const items: DerItem[] = []
  let at = 0
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0xff
    // A key's lengths have at most four bytes; 0x80 would be BER's open end.
    const wide = first < 0x80 ? 0 : first - 0x80
    if (first === 0x80 || wide > 4) return undefined
    const from = at + 2 + wide
    const length = wide === 0 ? first : bytes.slice(at + 2, from).reduce((sum, byte) => sum * 256 + byte, 0)
    if (from + length > bytes.length) return undefined
    items.push({ tag, value: bytes.slice(from, from + length) })
    at = from + length
  }
  return items
}

export function writeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const wide: number[] = []
  for (let rest = length; length > 0x7f && rest > 0; rest = Math.floor(rest / 256)) wide.unshift(rest % 256)
  const head = wide.length === 0 ? [tag, length] : [tag, 0x80 + wide.length, ...wide]
  return Uint8Array.from([head, ...parts].flatMap(part => Array.from(part)))
}

/** Web Crypto's `r || s` (IEEE P1363) as the sequence that openssl and AWS's signers write (RFC 3279 section 2.2.3). */
export function ecdsaSequence(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  return writeDer(DER.sequence, unsigned(raw.slice(0, half)), unsigned(raw.slice(half)))
}

/** The shortest spelling; a nought in front keeps a number with its highest bit set from being negative. */
function unsigned(bytes: Uint8Array): Uint8Array {
  const firstUsed = bytes.findIndex(byte => byte !== 0)
  const used = firstUsed < 0 ? Uint8Array.of(0) : bytes.slice(firstUsed)
  return writeDer(DER.integer, ...((used[0] ?? 0) > 0x7f ? [Uint8Array.of(0), used] : [used]))
}
