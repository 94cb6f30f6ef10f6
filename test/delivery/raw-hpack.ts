import type { Fields } from './raw-http2.ts'

/** RFC 7541 Appendix A: name and value by index, from 1. */
const STATIC: readonly (readonly [string, string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...['200', '204', '206', '304', '400', '404', '500'].map(status => [':status', status] as const),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range ' +
    'content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
    'if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range ' +
    'referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary ' +
    'via www-authenticate'
  )
    .split(' ')
    .map(name => [name, ''] as const),
]

/** RFC 7541 Appendix B: the length of each octet's code, and of EOS behind them; 7*28 is 28 seven times. */
const LENGTHS = (
  '13 23 7*28 24 30 2*28 30 8*28 30 9*28 6 2*10 12 13 6 8 11 2*10 8 11 8 3*6 3*5 7*6 7 8 15 6 12 10 13 6 22*7 8 7 8 13 ' +
  '19 13 14 6 15 5 6 5 6 5 3*6 5 2*7 3*6 5 6 7 6 2*5 6 5*7 15 11 14 13 28 20 22 2*20 3*22 23 22 5*23 24 23 2*24 22 23 ' +
  '24 4*23 21 22 23 22 2*23 24 22 21 20 2*22 2*23 21 23 2*22 24 21 22 2*23 2*21 22 21 23 22 2*23 20 3*22 23 2*22 23 ' +
  '2*26 20 19 22 23 22 25 3*26 2*27 26 24 25 19 21 26 2*27 26 27 24 2*21 2*26 28 3*27 20 24 20 21 22 2*21 23 2*22 ' +
  '2*25 2*24 26 23 26 27 2*26 5*27 28 5*27 26 30'
)
  .split(' ')
  .flatMap(word => {
    const [length = 0, times = 1] = word.split('*').map(Number).reverse()
    return Array.from({ length: times }, () => length)
  })

/** The codes are canonical: in order of their lengths, then of what they stand for. */
const CODES: string[] = []
const SYMBOLS = new Map<string, number>()
{
  const order = LENGTHS.map((length, symbol) => ({ length, symbol })).sort(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  )
  let next = 0n
  let before = 0
  for (const { length, symbol } of order) {
    next <<= BigInt(length - before)
    before = length
    const code = next.toString(2).padStart(length, '0')
    CODES[symbol] = code
    SYMBOLS.set(code, symbol)
    next += 1n
  }
}
const EOS = 256

/** RFC 7541 §5.2, padded with the first bits of EOS. */
export function huffman(text: string): Buffer {
  const bits = [...Buffer.from(text, 'latin1')].map(byte => CODES[byte]).join('')
  const whole = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1')
  return Buffer.from((whole.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
}

function unhuffman(bytes: Buffer): string {
  const out: number[] = []
  let code = ''
  for (const byte of bytes) {
    for (const bit of byte.toString(2).padStart(8, '0')) {
      code += bit
      const symbol = SYMBOLS.get(code)
      if (symbol === undefined) continue
      if (symbol === EOS) throw new Error('HPACK: EOS within a text')
      out.push(symbol)
      code = ''
    }
  }
  if (code.length > 7 || code.includes('0')) throw new Error(`HPACK: padding of ${code}`)
  return Buffer.from(out).toString('latin1')
}

/** RFC 7541 §5.1: a number behind the `bits` lower bits of its first octet, the upper of which are `mark`. */
export function integer(value: number, bits: number, mark = 0): Buffer {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([mark | value])
  const bytes = [mark | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

/** RFC 7541 §5.2, with Huffman coding only where that is wanted. */
export function literal(value: string, coding: 'plain' | 'huffman' = 'plain'): Buffer {
  const bytes = coding === 'huffman' ? huffman(value) : Buffer.from(value, 'latin1')
  return Buffer.concat([integer(bytes.length, 7, coding === 'huffman' ? 0x80 : 0), bytes])
}

interface Entry {
  name: string
  value: string
}
const sizeOf = ({ name, value }: Entry): number => name.length + value.length + 32

/** RFC 7541 §2.3.2: the newest first. */
class Table {
  readonly entries: Entry[] = []
  #size = 0
  #limit = 4096

  set limit(bytes: number) {
    this.#limit = bytes
    this.#evict()
  }

  add(entry: Entry): void {
    this.entries.unshift(entry)
    this.#size += sizeOf(entry)
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.entries.pop()
      if (!oldest) return
      this.#size -= sizeOf(oldest)
    }
  }

  at(index: number): Entry {
    const fixed = STATIC[index - 1]
    const entry = fixed ? { name: fixed[0], value: fixed[1] } : this.entries[index - 1 - STATIC.length]
    if (!entry) throw new Error(`HPACK: there is no entry ${index}`)
    return entry
  }
}

/** Encodes as clients do: by index where it can, else Huffman-coded and into the table. */
export class HpackEncoder {
  readonly #table = new Table()

  encode(fields: Fields): Buffer {
    return Buffer.concat(fields.map(([name, value]) => this.#one({ name, value })))
  }

  #one(field: Entry): Buffer {
    const all = [...STATIC.map(([name, value]) => ({ name, value })), ...this.#table.entries]
    const same = all.findIndex(({ name, value }) => name === field.name && value === field.value)
    if (same >= 0) return integer(same + 1, 7, 0x80)
    const named = all.findIndex(({ name }) => name === field.name) + 1
    this.#table.add(field)
    return Buffer.concat([
      integer(named, 6, 0x40),
      ...(named === 0 ? [literal(field.name, 'huffman')] : []),
      literal(field.value, 'huffman'),
    ])
  }
}

/** Decodes what a server sends; throws where that breaks RFC 7541. */
export class HpackDecoder {
  readonly #table = new Table()
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  /** What we announced; a server that goes above it breaks §6.3. */
  #limit = 4096
  /** What the next block must begin with at most (§4.2). */
  #owed: number | undefined

  limitTo(sizes: readonly number[]): void {
    this.#limit = sizes.at(-1) ?? this.#limit
    this.#owed = Math.min(...sizes)
  }

  decode(bytes: Buffer): [name: string, value: string][] {
    this.#bytes = bytes
    this.#at = 0
    const fields: [string, string][] = []
    while (this.#at < bytes.length) {
      const first = bytes[this.#at] ?? 0
      if (this.#owed !== undefined && (first < 0x20 || first >= 0x40))
        throw new Error(`HPACK: fields before the table is of ${this.#owed} bytes`)
      if (first >= 0x80) {
        const { name, value } = this.#table.at(this.#integer(7))
        fields.push([name, value])
      } else if (first >= 0x40) {
        const entry = this.#entry(6)
        this.#table.add(entry)
        fields.push([entry.name, entry.value])
      } else if (first >= 0x20) {
        const size = this.#integer(5)
        if (size > this.#limit) throw new Error(`HPACK: a table of ${size} bytes, more than ${this.#limit}`)
        if (this.#owed !== undefined && size <= this.#owed) this.#owed = undefined
        if (fields.length > 0) throw new Error('HPACK: a change of the table behind fields')
        this.#table.limit = size
      } else {
        const { name, value } = this.#entry(4)
        fields.push([name, value])
      }
    }
    return fields
  }

  #entry(bits: number): Entry {
    const index = this.#integer(bits)
    const name = index === 0 ? this.#literal() : this.#table.at(index).name
    return { name, value: this.#literal() }
  }

  #integer(bits: number): number {
    const most = 2 ** bits - 1
    let value = this.#octet() & most
    if (value < most) return value
    for (let scale = 1; ; scale *= 128) {
      const octet = this.#octet()
      value += (octet & 127) * scale
      if (octet < 128) return value
    }
  }

  #literal(): string {
    const coded = (this.#bytes[this.#at] ?? 0) >= 0x80
    const length = this.#integer(7)
    if (this.#at + length > this.#bytes.length) throw new Error('HPACK: a text beyond its block')
    const bytes = this.#bytes.subarray(this.#at, (this.#at += length))
    return coded ? unhuffman(bytes) : bytes.toString('latin1')
  }

  #octet(): number {
    const octet = this.#bytes[this.#at++]
    if (octet === undefined) throw new Error('HPACK: a block that breaks off')
    return octet
  }
}
