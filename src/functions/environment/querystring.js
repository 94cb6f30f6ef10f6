// Node's querystring.
;(function () {
  'use strict'
  const plain = text =>
    encodeURIComponent(String(text).toWellFormed()).replace(/%(?:21|27|28|29|2A)/g, each =>
      decodeURIComponent(each),
    )
  function unescape(text) {
    try {
      return decodeURIComponent(text)
    } catch {
      return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, each => {
        try {
          return decodeURIComponent(each)
        } catch {
          return '\ufffd'
        }
      })
    }
  }
  const said = value => {
    if (typeof value === 'string') return value
    if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
    return typeof value === 'bigint' || typeof value === 'boolean' ? String(value) : ''
  }
  function parse(text, separator = '&', equals = '=', options = {}) {
    const found = Object.create(null)
    if (typeof text !== 'string' || text === '') return found
    const decode = options.decodeURIComponent ?? module.unescape
    const most = options.maxKeys ?? 1000
    const pairs = text.split(separator)
    for (const pair of most > 0 ? pairs.slice(0, most) : pairs) {
      if (pair === '') continue
      const at = pair.indexOf(equals)
      const [name, value] = (at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + equals.length)]).map(
        each => decode(each.replace(/\+/g, ' ')),
      )
      if (!(name in found)) found[name] = value
      else if (Array.isArray(found[name])) found[name].push(value)
      else found[name] = [found[name], value]
    }
    return found
  }
  function stringify(value, separator = '&', equals = '=', options = {}) {
    if (typeof value !== 'object' || value === null) return ''
    const encode = options.encodeURIComponent ?? module.escape
    return Object.keys(value)
      .flatMap(name => (Array.isArray(value[name]) ? value[name] : [value[name]]).map(each => [name, each]))
      .map(([name, each]) => encode(name) + equals + encode(said(each)))
      .join(separator)
  }
  const module = { parse, stringify, escape: plain, unescape, decode: parse, encode: stringify }
  return module
})
