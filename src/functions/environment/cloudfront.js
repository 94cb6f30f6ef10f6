// The module `cloudfront` of runtime 2.0: key value stores, and the origin of this request.
;(function (lib) {
  'use strict'
  const { host, parse, stringify } = lib
  const ask = (...asked) => parse(host('kvs', stringify(asked)))
  function formatted(value, format) {
    if (format === undefined || format === 'string') return value
    if (format === 'json') return parse(value)
    if (format === 'bytes') return lib.library('buffer').Buffer.from(value)
    throw new TypeError(`a value is read as string, json or bytes, not as ${String(format)}`)
  }
  function kvs(id) {
    const store = id === undefined ? null : String(id)
    ask('open', store)
    return {
      async get(key, options) {
        const found = ask('get', store, String(key))
        if (found === null) throw new Error('KeyNotFound')
        return formatted(found, options?.format)
      },
      exists: async key => ask('get', store, String(key)) !== null,
      meta: async () => ask('meta', store),
      count: async () => ask('meta', store).keyCount,
    }
  }
  function change(name, made) {
    if (lib.event() !== 'viewer-request') throw new Error(`${name} is for viewer-request`)
    lib.changeOrigin(parse(stringify(made)))
  }
  function told(name, value) {
    if (typeof value !== 'object' || value === null) throw new TypeError(`${name} takes an object`)
    return value
  }
  return {
    kvs,
    updateRequestOrigin(settings) {
      const name = 'updateRequestOrigin'
      change(name, { kind: 'update', with: told(name, settings) })
    },
    selectRequestOriginById(id, overrides) {
      if (typeof id !== 'string') throw new TypeError('selectRequestOriginById takes the id of an origin')
      if (overrides !== undefined)
        throw new TypeError('selectRequestOriginById takes an origin as it is here')
      change('selectRequestOriginById', { kind: 'select', originId: id })
    },
    createRequestOriginGroup(settings) {
      const name = 'createRequestOriginGroup'
      change(name, { kind: 'group', with: told(name, settings) })
    },
  }
})
