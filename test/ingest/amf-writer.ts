/** Writes AMF0 by the specification, and by intent some that no specification allows. */
export type Writable =
  number | boolean | string | null | undefined | { [name: string]: Writable } | Writable[]

export function amf(...values: Writable[]): Buffer {
  return Buffer.concat(values.map(value => one(value)))
}

function one(value: Writable): Buffer {
  if (value === null) return Buffer.from([5])
  if (value === undefined) return Buffer.from([6])
  if (typeof value === 'boolean') return Buffer.from([1, Number(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9)
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (typeof value === 'string') return Buffer.concat([Buffer.from([2]), name(value)])
  if (Array.isArray(value)) {
    const head = Buffer.from([10, 0, 0, 0, 0])
    head.writeUInt32BE(value.length, 1)
    return Buffer.concat([head, ...value.map(item => one(item))])
  }
  return Buffer.concat([Buffer.from([3]), properties(value)])
}

export function ecmaArray(value: { [name: string]: Writable }): Buffer {
  const head = Buffer.from([8, 0, 0, 0, 0])
  head.writeUInt32BE(Object.keys(value).length, 1)
  return Buffer.concat([head, properties(value)])
}

function properties(value: { [name: string]: Writable }): Buffer {
  const pairs = Object.entries(value).map(([key, item]) => Buffer.concat([name(key), one(item)]))
  return Buffer.concat([...pairs, Buffer.from([0, 0, 9])])
}

function name(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}
