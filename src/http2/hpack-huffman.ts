/**
 * The Huffman code of RFC 7541 Appendix B. It is canonical: codes of one length follow each other in the order of their
 * symbols, and longer ones continue where shorter ones end, so the symbols by length are the whole of it.
 */
const SYMBOLS: readonly (readonly [
  bits: number,
  symbols: readonly (number | readonly [number, number])[],
])[] = [
  [5, [[48, 50], 97, 99, 101, 105, 111, 115, 116]],
  [6, [32, 37, [45, 47], [51, 57], 61, 65, 95, 98, 100, [102, 104], [108, 110], 112, 114, 117]],
  [7, [58, [66, 87], 89, 106, 107, 113, [118, 122]]],
  [8, [38, 42, 44, 59, 88, 90]],
  [10, [33, 34, 40, 41, 63]],
  [11, [39, 43, 124]],
  [12, [35, 62]],
  [13, [0, 36, 64, 91, 93, 126]],
  [14, [94, 125]],
  [15, [60, 96, 123]],
  [19, [92, 195, 208]],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [
    22,
    [
      ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187],
      ...[189, 190, 196, 198, 228, 232, 233],
    ],
  ],
  [
    23,
    [
      ...[1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168],
      ...[174, 175, 180, 182, 183, 188, 191, 197, 231, 239],
    ],
  ],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [203, 204, 211, 212, 214, 221, 222, 223, 241, [244, 248], [250, 254]]],
  [28, [[2, 8], 11, 12, [14, 21], [23, 31], 127, 220, 249]],
  [30, [10, 13, 22, 256]],
]

/** Stands for the end of a text and is never sent (§5.2). */
const END = 256

const CODES = new Uint32Array(257)
const BITS = new Uint8Array(257)

/**
 * The code as a machine that takes eight bits at a time: a state for each inner node of its tree, of each a row of 256
 * words. A word names the next state and up to two symbols, as no code is shorter than five bits.
 */
const ROW = 256
const FAILS = 0xffffffff
const states: number[][] = []
/** Of a state, whether a text may end in it: what came since the last symbol is less than a byte, all of it ones. */
const ends: boolean[] = []

/** Low to high: the next state (9 bits), how many symbols (2), the first and the second of them (8 each). */
function word(state: number, symbols: readonly number[]): number {
  return (state | (symbols.length << 9) | ((symbols[0] ?? 0) << 11) | ((symbols[1] ?? 0) << 19)) >>> 0
}

function build(): Uint32Array {
  let code = 0
  let before = 0
  /** Children of inner nodes: another one, or a symbol as its complement. */
  const tree: [number, number][] = [[0, 0]]
  for (const [bits, symbols] of SYMBOLS) {
    code *= 2 ** (bits - before)
    before = bits
    for (const each of symbols) {
      const [first, last] = typeof each === 'number' ? [each, each] : each
      for (let symbol = first; symbol <= last; symbol++) plant(tree, symbol, code++, bits)
    }
  }
  ends.length = tree.length
  for (let node = 0, depth = 0; depth < 8; depth++) {
    ends[node] = true
    node = tree[node]?.[1] ?? 0
  }
  for (let state = 0; state < tree.length; state++) states.push(rowOf(tree, state))
  return Uint32Array.from(states.flat())
}

function plant(tree: [number, number][], symbol: number, code: number, bits: number): void {
  CODES[symbol] = code
  BITS[symbol] = bits
  let node = 0
  for (let at = bits - 1; at > 0; at--) {
    const side = (code >>> at) & 1
    const branch = tree[node] ?? [0, 0]
    if (branch[side] === 0) branch[side] = tree.push([0, 0]) - 1
    node = branch[side] ?? 0
  }
  const branch = tree[node]
  if (branch) branch[code & 1] = ~symbol
}

function rowOf(tree: readonly (readonly [number, number])[], state: number): number[] {
  return Array.from({ length: ROW }, (_, byte) => {
    let node = state
    const symbols: number[] = []
    for (let at = 7; at >= 0; at--) {
      node = tree[node]?.[(byte >>> at) & 1 ? 1 : 0] ?? 0
      if (node >= 0) continue
      if (~node === END) return FAILS
      symbols.push(~node)
      node = 0
    }
    return word(node, symbols)
  })
}

const MACHINE = build()

/**
 * Writes the symbols that stand between `from` and `to` into `out`, and tells how many they are; -1 for what is no
 * text (§5.2). `out` has room for eight fifths of the bytes, and two more.
 */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let state = 0
  let length = 0
  for (let at = from; at < to; at++) {
    const next = MACHINE[(state << 8) | (bytes[at] ?? 0)] ?? FAILS
    if (next === FAILS) return -1
    // Two are written whatever there are: what is none is overwritten, or stands behind the end.
    out[length] = next >>> 11
    out[length + 1] = next >>> 19
    length += (next >>> 9) & 3
    state = next & 511
  }
  return ends[state] === true ? length : -1
}

/** How many bytes a text takes; of each of its characters one byte is meant. */
export function huffmanLength(text: string): number {
  let bits = 0
  for (let at = 0; at < text.length; at++) bits += BITS[text.charCodeAt(at) & 255] ?? 0
  return Math.ceil(bits / 8)
}

/** Writes a text at `at` and tells where it ends. */
export function encodeHuffman(text: string, out: Uint8Array, at: number): number {
  // Up to 37 bits wait at once, which is more than shifts can hold.
  let waiting = 0
  let bits = 0
  for (let each = 0; each < text.length; each++) {
    const symbol = text.charCodeAt(each) & 255
    const length = BITS[symbol] ?? 0
    waiting = waiting * 2 ** length + (CODES[symbol] ?? 0)
    bits += length
    while (bits >= 8) {
      bits -= 8
      const byte = Math.floor(waiting / 2 ** bits)
      out[at++] = byte
      waiting -= byte * 2 ** bits
    }
  }
  // The rest of the last byte begins the code of the end.
  if (bits > 0) out[at++] = (waiting << (8 - bits)) | (255 >>> bits)
  return at
}
