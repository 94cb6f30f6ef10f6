/** RFC 7541 Appendix A, from index 1. */
export const STATIC_TABLE: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
]

/** Of a field in a table, beside its name and value (§4.1). */
const OVERHEAD = 32

/** What a peer may have us keep; more would have to be announced (SETTINGS_HEADER_TABLE_SIZE). */
export const TABLE_BYTES = 4096

/** Fields that a peer has named before, the newest first (RFC 7541 §2.3.2). */
export class DynamicTable {
  /** The oldest first. */
  readonly #names: string[] = []
  readonly #values: string[] = []
  #size = 0
  #limit = TABLE_BYTES
  /** Grows with each change. */
  version = 0

  get length(): number {
    return this.#names.length
  }

  /** `index` counts from zero. */
  name(index: number): string | undefined {
    return this.#names[this.#names.length - 1 - index]
  }

  value(index: number): string | undefined {
    return this.#values[this.#values.length - 1 - index]
  }

  /** One that is larger than the table empties it (§4.4). */
  add(name: string, value: string): void {
    const size = name.length + value.length + OVERHEAD
    this.version++
    this.#makeRoom(size)
    if (size > this.#limit) return
    this.#names.push(name)
    this.#values.push(value)
    this.#size += size
  }

  /** False for more than was announced. */
  resize(limit: number): boolean {
    if (limit > TABLE_BYTES) return false
    this.version++
    this.#limit = limit
    this.#makeRoom(0)
    return true
  }

  #makeRoom(size: number): void {
    let gone = 0
    while (gone < this.#names.length && this.#size + size > this.#limit) {
      this.#size -= (this.#names[gone]?.length ?? 0) + (this.#values[gone]?.length ?? 0) + OVERHEAD
      gone++
    }
    if (gone === 0) return
    this.#names.splice(0, gone)
    this.#values.splice(0, gone)
  }
}
