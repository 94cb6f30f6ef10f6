// Of Node's util what handlers use.
;(function (lib) {
  'use strict'
  const inspect = value => (typeof value === 'string' ? value : (lib.stringify(value) ?? String(value)))
  function format(first, ...rest) {
    let at = 0
    const start =
      typeof first !== 'string'
        ? inspect(first)
        : first.replace(/%[sdijoO%]/g, each => {
            if (each === '%%') return '%'
            if (at >= rest.length) return each
            const value = rest[at++]
            if (each === '%s') return typeof value === 'object' ? inspect(value) : String(value)
            if (each === '%d') return String(Number(value))
            return each === '%i' ? String(parseInt(value, 10)) : inspect(value)
          })
    return [start, ...rest.slice(at).map(inspect)].join(' ')
  }
  const promisify =
    call =>
    (...given) =>
      new Promise((resolve, reject) => {
        call(...given, (error, value) => (error ? reject(error) : resolve(value)))
      })
  return { inspect, format, promisify, TextEncoder, TextDecoder }
})
