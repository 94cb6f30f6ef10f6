// WHATWG's URL, parsed outside, and the older `url.parse` of Node.
;(function (lib) {
  'use strict'
  const { host, parse, stringify } = lib
  const form = text =>
    encodeURIComponent(String(text).toWellFormed())
      .replace(/%20/g, '+')
      .replace(/[!'()~]/g, each => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
  class URLSearchParams {
    #pairs = []
    #changed
    constructor(given = '') {
      if (typeof given === 'object' && given !== null) {
        const pairs = given[Symbol.iterator] ? [...given] : Object.entries(given)
        this.#pairs = pairs.map(([name, value]) => [String(name), String(value)])
      } else this.#pairs = parse(host('form', stringify([String(given)])))
    }
    /** Of a URL, which is told of changes. */
    static of(text, changed) {
      const made = new URLSearchParams(text)
      made.#changed = changed
      return made
    }
    #told() {
      this.#changed?.(this.toString())
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)])
      this.#told()
    }
    delete(name) {
      this.#pairs = this.#pairs.filter(pair => pair[0] !== String(name))
      this.#told()
    }
    get(name) {
      return this.#pairs.find(pair => pair[0] === String(name))?.[1] ?? null
    }
    getAll(name) {
      return this.#pairs.filter(pair => pair[0] === String(name)).map(pair => pair[1])
    }
    has(name) {
      return this.#pairs.some(pair => pair[0] === String(name))
    }
    set(name, value) {
      const at = this.#pairs.findIndex(pair => pair[0] === String(name))
      if (at < 0) return this.append(name, value)
      this.#pairs = this.#pairs.filter((pair, index) => index <= at || pair[0] !== String(name))
      this.#pairs[at] = [String(name), String(value)]
      this.#told()
    }
    sort() {
      this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
      this.#told()
    }
    forEach(each) {
      for (const [name, value] of this.#pairs) each(value, name, this)
    }
    *entries() {
      for (const pair of this.#pairs) yield [...pair]
    }
    *keys() {
      for (const pair of this.#pairs) yield pair[0]
    }
    *values() {
      for (const pair of this.#pairs) yield pair[1]
    }
    [Symbol.iterator]() {
      return this.entries()
    }
    get size() {
      return this.#pairs.length
    }
    toString() {
      return this.#pairs.map(([name, value]) => `${form(name)}=${form(value)}`).join('&')
    }
  }
  const PARTS = [
    'href',
    'protocol',
    'username',
    'password',
    'host',
    'hostname',
    'port',
    'pathname',
    'search',
    'hash',
  ]
  class URL {
    #parts
    #params
    constructor(text, base) {
      const asked = base === undefined ? [String(text)] : [String(text), String(base)]
      this.#parts = parse(host('url', stringify(asked)))
      if (this.#parts === null) throw new TypeError('Invalid URL')
    }
    static canParse(text, base) {
      try {
        return new URL(text, base) !== undefined
      } catch {
        return false
      }
    }
    get origin() {
      return this.#parts.origin
    }
    get searchParams() {
      this.#params ??= URLSearchParams.of(this.#parts.search, text => this.#set('search', text, false))
      return this.#params
    }
    #set(name, value, isOutside = true) {
      const changed = parse(host('url-set', stringify([this.#parts.href, name, String(value)])))
      if (changed === null) throw new TypeError('Invalid URL')
      this.#parts = changed
      if (isOutside) this.#params = undefined
    }
    toString() {
      return this.#parts.href
    }
    toJSON() {
      return this.#parts.href
    }
    static {
      for (const name of PARTS) {
        Object.defineProperty(URL.prototype, name, {
          configurable: true,
          enumerable: true,
          get() {
            return this.#parts[name]
          },
          set(value) {
            this.#set(name, value)
          },
        })
      }
    }
  }
  function older(text, parsesQuery) {
    const made = parse(host('url-parse', stringify([String(text)])))
    if (parsesQuery === true) made.query = lib.library('querystring').parse(made.query ?? '')
    return made
  }
  const format = given => (given instanceof URL ? given.href : parse(host('url-format', stringify(given))))
  const resolve = (from, to) => parse(host('url-resolve', stringify([String(from), String(to)])))
  return { URL, URLSearchParams, parse: older, format, resolve }
})
