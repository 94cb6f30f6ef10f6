/** Requests and responses of RFC 7541 Appendix C, each list on one connection. */
export interface Vectors {
  name: string
  /** Of the receiver's table, where it is not the usual one. */
  tableBytes?: number
  blocks: readonly (readonly [hex: string, fields: readonly string[]])[]
}

const REQUESTS = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [
    ...[':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
    ...['cache-control', 'no-cache'],
  ],
  [
    ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
    ...['custom-key', 'custom-value'],
  ],
] as const

const of = (name: string, hexes: readonly string[], fields: readonly (readonly string[])[]): Vectors => ({
  name,
  blocks: hexes.map((hex, at) => [hex.replaceAll(' ', ''), fields[at] ?? []] as const),
})

export const VECTORS: readonly Vectors[] = [
  of(
    'C.2.1, a literal that enters the table',
    ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    [['custom-key', 'custom-header']],
  ),
  of('C.2.2, a literal that does not', ['040c 2f73 616d 706c 652f 7061 7468'], [[':path', '/sample/path']]),
  of(
    'C.2.3, a literal that never does',
    ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    [['password', 'secret']],
  ),
  of('C.2.4, an index', ['82'], [[':method', 'GET']]),
  of(
    'C.3, requests as they are',
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    REQUESTS,
  ),
  of(
    'C.4, the same with the Huffman code',
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    REQUESTS,
  ),
]

/** Responses, of which C.5 and C.6 keep no more than 256 bytes. */
const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT'
export const RESPONSES = {
  ...of(
    'C.6, responses with the Huffman code and a small table',
    [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
    ],
    [
      [':status', '302', 'cache-control', 'private', 'date', DATE, 'location', 'https://www.example.com'],
      [':status', '307', 'cache-control', 'private', 'date', DATE, 'location', 'https://www.example.com'],
    ],
  ),
}
