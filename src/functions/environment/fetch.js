// `fetch` of handlers of Lambda@Edge at origin events: the question is asked outside, where its address is looked at.
;(function (lib) {
  'use strict'
  const { host, parse, stringify } = lib
  const { Buffer } = lib.library('buffer')
  class Headers {
    #pairs = []
    constructor(given = []) {
      const pairs = given instanceof Headers || Array.isArray(given) ? [...given] : Object.entries(given)
      for (const [name, value] of pairs) this.append(name, value)
    }
    append(name, value) {
      this.#pairs.push([String(name).toLowerCase(), String(value)])
    }
    set(name, value) {
      this.delete(name)
      this.append(name, value)
    }
    delete(name) {
      this.#pairs = this.#pairs.filter(pair => pair[0] !== String(name).toLowerCase())
    }
    get(name) {
      const found = this.#pairs.filter(pair => pair[0] === String(name).toLowerCase())
      return found.length === 0 ? null : found.map(pair => pair[1]).join(', ')
    }
    has(name) {
      return this.get(name) !== null
    }
    getSetCookie() {
      return this.#pairs.filter(pair => pair[0] === 'set-cookie').map(pair => pair[1])
    }
    *keys() {
      for (const pair of this) yield pair[0]
    }
    *values() {
      for (const pair of this) yield pair[1]
    }
    *entries() {
      const names = [...new Set(this.#pairs.map(pair => pair[0]))].sort()
      for (const name of names) yield [name, this.get(name)]
    }
    forEach(each) {
      for (const [name, value] of this) each(value, name, this)
    }
    [Symbol.iterator]() {
      return this.entries()
    }
  }
  function bytesOf(body) {
    if (body === undefined || body === null) return undefined
    if (typeof body === 'string') return Buffer.from(body)
    if (body instanceof ArrayBuffer) return Buffer.from(new Uint8Array(body))
    if (ArrayBuffer.isView(body))
      return Buffer.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength))
    return Buffer.from(String(body))
  }
  class Body {
    #bytes
    bodyUsed = false
    constructor(bytes) {
      this.#bytes = bytes
    }
    #read() {
      if (this.bodyUsed) throw new TypeError('Body is unusable: Body has already been read')
      this.bodyUsed = true
      return this.#bytes ?? new Buffer(0)
    }
    async text() {
      return new TextDecoder().decode(this.#read())
    }
    async json() {
      return parse(await this.text())
    }
    async arrayBuffer() {
      return new Uint8Array(this.#read()).buffer
    }
    async bytes() {
      return new Uint8Array(this.#read())
    }
  }
  class Request extends Body {
    constructor(given, init = {}) {
      const from = given instanceof Request ? given : undefined
      const body = init.body === undefined ? from?.sent : bytesOf(init.body)
      super(body)
      this.sent = body
      this.url = from?.url ?? new URL(String(given)).href
      this.method = String(init.method ?? from?.method ?? 'GET').toUpperCase()
      this.headers = new Headers(init.headers ?? from?.headers ?? [])
      this.signal = init.signal ?? from?.signal
      if (init.body instanceof URLSearchParams && !this.headers.has('content-type')) {
        this.headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8')
      }
    }
  }
  class Response extends Body {
    constructor(body, init = {}) {
      super(bytesOf(body))
      this.status = init.status ?? 200
      this.statusText = init.statusText ?? ''
      this.headers = new Headers(init.headers ?? [])
      this.url = init.url ?? ''
      this.redirected = false
      this.type = 'basic'
    }
    get ok() {
      return this.status >= 200 && this.status < 300
    }
  }
  class AbortController {
    constructor() {
      this.signal = { aborted: false, reason: undefined, waiting: [] }
    }
    abort(reason = new Error('This operation was aborted')) {
      if (this.signal.aborted) return
      this.signal.aborted = true
      this.signal.reason = reason
      for (const each of this.signal.waiting.splice(0)) each(reason)
    }
  }
  function fetch(given, init) {
    return new Promise((resolve, reject) => {
      const asked = new Request(given, init)
      if (asked.signal?.aborted) return reject(asked.signal.reason)
      const head = { method: asked.method, url: asked.url, headers: [...asked.headers] }
      const id = parse(host('fetch', stringify(head), asked.sent?.buffer))
      asked.signal?.waiting?.push(reject)
      lib.byCall[id] = (isGood, said, bytes) => {
        if (!isGood) return reject(new TypeError(said))
        const { status, headers } = parse(said)
        resolve(new Response(bytes, { status, headers, url: asked.url }))
      }
    })
  }
  return { fetch, Headers, Request, Response, AbortController }
})
