// Node's Buffer as far as edge functions use it, and what encodes text.
;(function (lib) {
  'use strict'
  const { host, parse, stringify, hide } = lib
  const ENCODINGS = { utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url' }
  Object.assign(ENCODINGS, { latin1: 'latin1', binary: 'latin1', ascii: 'ascii', utf16le: 'utf16le' })
  Object.assign(ENCODINGS, { 'utf-16le': 'utf16le', ucs2: 'utf16le', 'ucs-2': 'utf16le' })

  function encodingOf(name) {
    if (name === undefined || name === null) return 'utf8'
    const found = ENCODINGS[String(name).toLowerCase()]
    if (found === undefined) throw new TypeError(`Unknown encoding: ${String(name)}`)
    return found
  }
  const decoded = (text, encoding) => host('bytes', stringify([String(text), encodingOf(encoding)]))
  const encoded = (view, encoding) =>
    parse(host('text', stringify([view.byteOffset, view.byteLength, encodingOf(encoding)]), view.buffer))

  class Buffer extends Uint8Array {
    static from(value, encoding, length) {
      if (typeof value === 'string') return new Buffer(decoded(value, encoding))
      if (value instanceof ArrayBuffer) return new Buffer(value, encoding, length)
      if (value !== null && typeof value === 'object') {
        if (value.type === 'Buffer' && Array.isArray(value.data)) return Buffer.from(value.data)
        const made = new Buffer(value.length >>> 0)
        for (let at = 0; at < made.length; at++) made[at] = value[at]
        return made
      }
      throw new TypeError('Buffer.from takes a string, bytes or an array')
    }
    static alloc(size, fill, encoding) {
      const made = new Buffer(size)
      return fill === undefined ? made : made.fill(fill, 0, size, encoding)
    }
    static allocUnsafe(size) {
      return new Buffer(size)
    }
    static isBuffer(value) {
      return value instanceof Buffer
    }
    static isEncoding(name) {
      return ENCODINGS[String(name).toLowerCase()] !== undefined
    }
    static byteLength(value, encoding) {
      return typeof value === 'string' ? decoded(value, encoding).byteLength : value.byteLength
    }
    static concat(list, total) {
      const size = total ?? list.reduce((sum, each) => sum + each.length, 0)
      const made = new Buffer(size)
      let at = 0
      for (const each of list) {
        if (at >= size) break
        made.set(each.subarray(0, size - at), at)
        at += each.length
      }
      return made
    }
    static compare(a, b) {
      const most = Math.min(a.length, b.length)
      for (let at = 0; at < most; at++) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1
      return Math.sign(a.length - b.length)
    }
    toString(encoding, start = 0, end = this.length) {
      return encoded(this.subarray(start, end), encoding)
    }
    toJSON() {
      return { type: 'Buffer', data: Array.from(this) }
    }
    equals(other) {
      return Buffer.compare(this, other) === 0
    }
    compare(other) {
      return Buffer.compare(this, other)
    }
    /** As in Node, over the same bytes. */
    slice(start, end) {
      return this.subarray(start, end)
    }
    write(text, at = 0, length = undefined, encoding = undefined) {
      if (typeof at === 'string') return this.write(text, 0, undefined, at)
      if (typeof length === 'string') return this.write(text, at, undefined, length)
      const bytes = new Uint8Array(decoded(text, encoding)).subarray(0, length ?? this.length - at)
      const fit = bytes.subarray(0, Math.max(0, this.length - at))
      this.set(fit, at)
      return fit.length
    }
    copy(target, at = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - at))
      target.set(part, at)
      return part.length
    }
    fill(value, start = 0, end = this.length, encoding = undefined) {
      if (typeof value !== 'string') return super.fill(value, start, end)
      const bytes = new Uint8Array(decoded(value, encoding))
      for (let at = start; at < end; at++)
        this[at] = bytes.length === 0 ? 0 : bytes[(at - start) % bytes.length]
      return this
    }
    indexOf(value, from = 0) {
      if (typeof value === 'number') return super.indexOf(value, from)
      const wanted = typeof value === 'string' ? Buffer.from(value) : value
      for (let at = from; at + wanted.length <= this.length; at++) {
        if (Buffer.compare(this.subarray(at, at + wanted.length), wanted) === 0) return at
      }
      return -1
    }
    includes(value, from) {
      return this.indexOf(value, from) >= 0
    }
  }
  const view = buffer => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  for (const [name, method, size] of [
    ['UInt8', 'Uint8', 1],
    ['Int8', 'Int8', 1],
    ['UInt16', 'Uint16', 2],
    ['Int16', 'Int16', 2],
    ['UInt32', 'Uint32', 4],
    ['Int32', 'Int32', 4],
    ['BigUInt64', 'BigUint64', 8],
    ['BigInt64', 'BigInt64', 8],
    ['Float', 'Float32', 4],
    ['Double', 'Float64', 8],
  ]) {
    for (const order of size === 1 ? [''] : ['BE', 'LE']) {
      hide(Buffer.prototype, `read${name}${order}`, function (at = 0) {
        return view(this)[`get${method}`](at, order === 'LE')
      })
      hide(Buffer.prototype, `write${name}${order}`, function (value, at = 0) {
        view(this)[`set${method}`](at, value, order === 'LE')
        return at + size
      })
    }
  }

  class TextEncoder {
    get encoding() {
      return 'utf-8'
    }
    encode(text = '') {
      return new Uint8Array(decoded(String(text).toWellFormed(), 'utf8'))
    }
  }
  class TextDecoder {
    #fatal
    #keepsMark
    constructor(label = 'utf-8', options = {}) {
      if (!['utf-8', 'utf8'].includes(String(label).toLowerCase())) {
        throw new RangeError(`The encoding ${String(label)} is not known here`)
      }
      this.#fatal = options.fatal === true
      this.#keepsMark = options.ignoreBOM === true
    }
    get encoding() {
      return 'utf-8'
    }
    decode(bytes = new Uint8Array()) {
      const whole = ArrayBuffer.isView(bytes)
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        : new Uint8Array(bytes)
      const asked = [whole.byteOffset, whole.byteLength, this.#fatal, this.#keepsMark]
      return parse(host('decode', stringify(asked), whole.buffer))
    }
  }
  function btoa(text) {
    const wide = /[^\u0000-\u00ff]/.test(String(text))
    if (wide) throw new RangeError('btoa takes characters up to U+00FF')
    return Buffer.from(String(text), 'latin1').toString('base64')
  }
  function atob(text) {
    const packed = String(text).replace(/[\t\n\f\r ]/g, '')
    if (packed.replace(/=+$/, '').length % 4 === 1 || /[^A-Za-z0-9+/=]/.test(packed)) {
      throw new RangeError('atob takes base64')
    }
    return Buffer.from(packed, 'base64').toString('latin1')
  }
  return { Buffer, TextEncoder, TextDecoder, atob, btoa }
})
