import { parseCidr } from '../../src/signing/index.ts'

/** Writes a MaxMind DB of IPv4 networks, none within another, as their format 2.0 has it: records of 24 bits. */
export function countryDatabase(networks: Record<string, unknown>): Buffer {
  const nodes: [number | Buffer, number | Buffer][] = [[NOTHING, NOTHING]]
  for (const [network, record] of Object.entries(networks)) {
    const cidr = parseCidr(network)
    if (cidr?.network.length !== 4) throw new Error(`${network} is no IPv4 network`)
    const bits = cidr.network.flatMap(byte => [7, 6, 5, 4, 3, 2, 1, 0].map(at => (byte >> at) & 1))
    let node = 0
    for (let depth = 0; depth < cidr.prefix; depth++) {
      const side = bits[depth] === 1 ? 1 : 0
      const [left, right] = nodes[node] ?? [NOTHING, NOTHING]
      const before = side === 1 ? right : left
      let next: number | Buffer = encode(record)
      if (depth < cidr.prefix - 1) next = before === NOTHING ? nodes.push([NOTHING, NOTHING]) - 1 : before
      nodes[node] = side === 1 ? [left, next] : [next, right]
      if (typeof next === 'number') node = next
    }
  }
  const data: Buffer[] = []
  let length = 0
  const pointer = (to: number | Buffer): number => {
    if (to === NOTHING) return nodes.length
    if (typeof to === 'number') return to
    data.push(to)
    length += to.length
    return nodes.length + 16 + length - to.length
  }
  const tree = nodes.map(sides => {
    const record = Buffer.alloc(6)
    sides.forEach((side, at) => record.writeUIntBE(pointer(side), 3 * at, 3))
    return record
  })
  const metadata = encode({
    ...{ node_count: nodes.length, record_size: 24, ip_version: 4, database_type: 'Test-Country' },
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: 0 },
    ...{ description: {}, languages: [] },
  })
  const mark = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, mark, metadata])
}

const NOTHING = -1

/** Maps, lists, texts and numbers of 32 bits. */
function encode(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.concat([control(2, value.length), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([value.length, 11 - 7]), ...value.map(encode)])
  const entries = Object.entries(value as Record<string, unknown>)
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([name, each]) => [encode(name), encode(each)]),
  ])
}

function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29])
}
