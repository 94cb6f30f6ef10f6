// Timers of handlers of Lambda@Edge: they end with the run.
;(function (lib) {
  'use strict'
  function setTimeout(call, after = 0, ...given) {
    if (typeof call !== 'function') throw new TypeError('setTimeout takes a function')
    const id = lib.parse(lib.host('timer', lib.stringify([Number(after) || 0])))
    lib.byCall[id] = () => call(...given)
    return id
  }
  function clearTimeout(id) {
    delete lib.byCall[id]
  }
  return { setTimeout, clearTimeout, setImmediate: (call, ...given) => setTimeout(call, 0, ...given) }
})
