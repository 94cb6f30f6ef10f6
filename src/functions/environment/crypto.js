// Hashes, and for handlers of Lambda@Edge signatures and randomness as well. The work is done outside, by Node's crypto.
;(function (lib) {
  'use strict'
  const { host, parse, stringify, isLambda, kind } = lib
  const { Buffer } = lib.library('buffer')
  const bytesOf = (value, encoding) =>
    typeof value === 'string' ? Buffer.from(value, encoding) : Buffer.from(viewOf(value))
  function viewOf(value) {
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    throw new TypeError('The "data" argument must be a string or bytes')
  }
  const ask = (operation, bytes) =>
    new Buffer(host(operation[0], stringify(operation.slice(1)), bytes.buffer))
  function given(bytes, encoding) {
    if (encoding === undefined || encoding === 'buffer') {
      // Runtime 1.0 has no buffers: what has no encoding is a byte string.
      return kind === 'cloudfront-js-1.0' ? bytes.toString('latin1') : bytes
    }
    return bytes.toString(encoding)
  }
  const ALGORITHMS = isLambda ? ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] : ['md5', 'sha1', 'sha256']
  function algorithmOf(name) {
    const found = String(name).toLowerCase().replace('-', '')
    if (!ALGORITHMS.includes(found)) throw new Error(`Digest method not supported: ${String(name)}`)
    return found
  }
  class Digest {
    #operation
    #parts = []
    #isOver = false
    constructor(operation) {
      this.#operation = operation
    }
    update(data, encoding) {
      if (this.#isOver) throw new Error('Digest already called')
      this.#parts.push(bytesOf(data, encoding))
      return this
    }
    digest(encoding) {
      if (this.#isOver) throw new Error('Digest already called')
      this.#isOver = true
      return given(ask(this.#operation, Buffer.concat(this.#parts)), encoding)
    }
  }
  const createHash = name => new Digest(['hash', algorithmOf(name)])
  const createHmac = (name, key) => new Digest(['hmac', algorithmOf(name), secretOf(key).toString('base64')])
  const secretOf = key => (key instanceof Key ? Buffer.from(key.told.secret, 'base64') : bytesOf(key))

  /** A key as it was written; it is read where it is used. */
  class Key {
    constructor(type, told) {
      this.type = type
      this.told = told
    }
  }
  function keyOf(key, type) {
    if (key instanceof Key) return key.told
    if (typeof key === 'string') return { pem: key }
    if (key instanceof Uint8Array) return { pem: Buffer.from(key).toString() }
    if (typeof key !== 'object' || key === null) throw new TypeError('a key is PEM text, or { key, format }')
    if (key.key instanceof Key) return { ...key.key.told, ...optionsOf(key) }
    if (key.format === 'jwk') return { jwk: key.key, ...optionsOf(key) }
    if (key.format === 'der') {
      return { der: Buffer.from(key.key).toString('base64'), type: key.type ?? type, ...optionsOf(key) }
    }
    return { ...keyOf(key.key, type), ...optionsOf(key) }
  }
  const optionsOf = key => ({
    dsaEncoding: key.dsaEncoding,
    padding: key.padding,
    saltLength: key.saltLength,
    passphrase: key.passphrase,
  })
  class Signing {
    #name
    #parts = []
    constructor(name) {
      this.#name = String(name)
    }
    update(data, encoding) {
      this.#parts.push(bytesOf(data, encoding))
      return this
    }
    verify(key, signature, encoding) {
      return verify(this.#name, Buffer.concat(this.#parts), key, bytesOf(signature, encoding))
    }
    sign(key, encoding) {
      const made = sign(this.#name, Buffer.concat(this.#parts), key)
      return encoding === undefined ? made : made.toString(encoding)
    }
  }
  function verify(name, data, key, signature) {
    const asked = [name ?? null, keyOf(key, 'spki'), bytesOf(signature).toString('base64')]
    return parse(host('verify', stringify(asked), bytesOf(data).buffer))
  }
  const sign = (name, data, key) => ask(['sign', name ?? null, keyOf(key, 'pkcs8')], bytesOf(data))
  function timingSafeEqual(a, b) {
    const [x, y] = [viewOf(a), viewOf(b)]
    if (x.length !== y.length) throw new RangeError('Input buffers must have the same byte length')
    let difference = 0
    for (let at = 0; at < x.length; at++) difference |= x[at] ^ y[at]
    return difference === 0
  }
  const module = { createHash, createHmac }
  if (!isLambda) return module
  const randomBytes = size => new Buffer(host('random-bytes', stringify([Number(size)])))
  return Object.assign(module, {
    randomBytes,
    randomUUID: () => parse(host('uuid', '')),
    randomInt: (low, high) =>
      parse(host('random-int', stringify(high === undefined ? [0, low] : [low, high]))),
    timingSafeEqual,
    createVerify: name => new Signing(name),
    createSign: name => new Signing(name),
    verify,
    sign,
    createPublicKey: key => new Key('public', keyOf(key, 'spki')),
    createSecretKey: (key, encoding) =>
      new Key('secret', { secret: bytesOf(key, encoding).toString('base64') }),
    constants: Object.freeze({ RSA_PKCS1_PADDING: 1, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1 }),
    getHashes: () => ALGORITHMS.slice(),
  })
})
