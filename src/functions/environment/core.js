// Evaluated inside QuickJS, before the function: the glue between it and its thread. All that is used after the author's
// code has run is taken out of the globals here, so that nothing he changes reaches it.
;(function (host, part, kind, limits) {
  'use strict'
  const isLambda = kind === 'lambda-edge'
  const { parse, stringify } = JSON
  const { apply, construct, defineProperty, deleteProperty, get } = Reflect
  const { create, freeze, getPrototypeOf } = Object
  const PromiseOf = Promise
  const then = Promise.prototype.then
  const slice = String.prototype.slice
  const join = Array.prototype.join
  const text = String
  const ErrorOf = Error
  const InternalErrorOf = InternalError

  const hide = (target, name, value) =>
    defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false })
  const fix = (target, name, value) =>
    defineProperty(target, name, { value, writable: false, configurable: false, enumerable: false })

  // Code that comes from text: there is none here, by whichever of the four constructors.
  const refuse = function Function() {
    throw new TypeError('code cannot be made from text here')
  }
  for (const each of [function () {}, async function () {}, function* () {}, async function* () {}]) {
    fix(getPrototypeOf(each), 'constructor', refuse)
  }
  defineProperty(refuse, 'prototype', { value: Function.prototype, writable: false })
  fix(globalThis, 'Function', refuse)
  for (const name of ['eval', 'SharedArrayBuffer']) deleteProperty(globalThis, name)

  // QuickJS seeds its own from the clock.
  fix(Math, 'random', function random() {
    return parse(host('random', ''))
  })

  let now = 0
  if (!isLambda) {
    const DateOf = Date
    const Frozen = function Date(...given) {
      if (new.target === undefined) return new DateOf(now).toString()
      return construct(DateOf, given.length === 0 ? [now] : given, new.target)
    }
    defineProperty(Frozen, 'length', { value: 7 })
    defineProperty(Frozen, 'prototype', { value: DateOf.prototype, writable: false })
    for (const name of ['UTC', 'parse']) hide(Frozen, name, DateOf[name])
    hide(Frozen, 'now', () => now)
    fix(DateOf.prototype, 'constructor', Frozen)
    hide(globalThis, 'Date', Frozen)
  }

  let logs = []
  let logged = 0
  function show(value) {
    if (typeof value === 'string') return value
    if (typeof value !== 'object' || value === null) return text(value)
    if (value instanceof ErrorOf) return describe(value)
    return stringify(value) ?? text(value)
  }
  function log(...values) {
    if (logged >= limits.logs) return
    let line = ''
    for (let at = 0; at < values.length; at++) line += (at === 0 ? '' : ' ') + show(values[at])
    line = apply(slice, line, [0, limits.logs - logged])
    logged += line.length + 1
    logs[logs.length] = line
  }
  const console = {}
  for (const name of ['log', 'error', 'warn', 'info', 'debug', 'trace']) hide(console, name, log)
  hide(globalThis, 'console', console)

  function describe(error) {
    try {
      if (typeof error !== 'object' || error === null) return apply(slice, text(error), [0, 2000])
      const message = `${text(error.name ?? 'Error')}: ${text(error.message ?? '')}`
      const stack = typeof error.stack === 'string' ? error.stack : ''
      return apply(slice, stack === '' ? message : `${message}\n${stack}`, [0, 2000])
    } catch {
      return 'what was thrown cannot be told'
    }
  }

  // Parts of the environment are evaluated when they are first asked for: most functions need none of them.
  const loaded = create(null)
  function library(name) {
    return (loaded[name] ??= part(name)(lib))
  }
  const lib = { host, library, hide, kind, isLambda, parse, stringify, byCall: create(null) }
  function lazily(name, from, key = name) {
    defineProperty(globalThis, name, {
      configurable: true,
      enumerable: false,
      get() {
        const value = library(from)[key]
        hide(globalThis, name, value)
        return value
      },
      set(value) {
        hide(globalThis, name, value)
      },
    })
  }
  for (const name of ['Buffer', 'TextEncoder', 'TextDecoder', 'atob', 'btoa']) lazily(name, 'buffer')
  for (const name of ['URL', 'URLSearchParams']) lazily(name, 'url')
  if (kind === 'cloudfront-js-1.0') {
    hide(String, 'bytesFrom', (...given) => library('bytes').bytesFrom(...given))
    for (const name of ['toBytes', 'fromBytes', 'toUTF8', 'fromUTF8']) {
      hide(String.prototype, name, function (...given) {
        return library('bytes')[name](this, ...given)
      })
    }
  }

  const MODULES = freeze(
    isLambda
      ? ['crypto', 'querystring', 'url', 'buffer', 'util', 'path']
      : kind === 'cloudfront-js-1.0'
        ? ['crypto', 'querystring']
        : ['crypto', 'querystring', 'cloudfront', 'buffer'],
  )
  function require(name) {
    const plain = apply(slice, text(name), [0, 5]) === 'node:' ? apply(slice, text(name), [5]) : text(name)
    for (let at = 0; at < MODULES.length; at++)
      if (MODULES[at] === plain) return library(plain === 'util' ? 'formatting' : plain)
    throw new ErrorOf(`there is no module '${plain}' here, but ${apply(join, MODULES, [', '])}`)
  }
  hide(globalThis, 'require', require)

  // What is under way outside: questions and timers of this run.
  let handler
  let outcome
  let event = ''
  let origin
  lib.event = () => event
  lib.changeOrigin = change => {
    origin = change
  }
  if (isLambda) {
    hide(
      globalThis,
      'process',
      freeze({
        env: freeze({}),
        nextTick: (f, ...a) => void apply(then, PromiseOf.resolve(), [() => f(...a)]),
      }),
    )
    hide(globalThis, 'global', globalThis)
    for (const name of ['fetch', 'Headers', 'Request', 'Response', 'AbortController']) lazily(name, 'fetch')
    for (const name of ['setTimeout', 'clearTimeout', 'setImmediate']) lazily(name, 'timers')
    hide(globalThis, 'queueMicrotask', f => void apply(then, PromiseOf.resolve(), [() => f()]))
    hide(globalThis, 'structuredClone', value => parse(stringify(value)))
  }

  function rest() {
    // It is told as it is, whatever the author has made of how things become JSON.
    hide(logs, 'toJSON', undefined)
    const told = stringify({ __proto__: null, logs, origin })
    logs = []
    logged = 0
    return told
  }
  /** A letter for how it ended, whether there is more to tell, the text. */
  function tell(letter, said) {
    const more = logs.length > 0 || origin !== undefined
    return letter + (more ? '+' : '-') + said
  }
  function failed(error) {
    // QuickJS throws null when there is no memory for an error.
    if (error === null) return tell('m', 'null was thrown: out of memory, if the code does not throw it')
    if (
      error instanceof InternalErrorOf &&
      (error.message === 'out of memory' || error.message === 'string too long')
    ) {
      return tell('m', error.message)
    }
    return tell('e', describe(error))
  }
  function finished(value) {
    try {
      const said = stringify(value)
      if (said === undefined) return tell('r', 'the handler returned nothing that JSON can say')
      if (said.length > limits.output) {
        return tell('o', `what the handler returned is longer than ${limits.output} bytes`)
      }
      return tell('v', said)
    } catch (error) {
      return failed(error)
    }
  }
  function settle(value) {
    outcome ??= finished(value)
  }
  function fail(error) {
    outcome ??= failed(error)
  }
  /** For a promise by what a promise could do at first, for anything else with a `then` by that. */
  function wait(value) {
    try {
      apply(then, value, [settle, fail])
    } catch {
      apply(then, new PromiseOf(resolve => resolve(value)), [settle, fail])
    }
  }
  function contextOf(info) {
    return {
      callbackWaitsForEmptyEventLoop: true,
      functionName: info.name,
      functionVersion: info.version,
      memoryLimitInMB: '128',
      awsRequestId: info.request,
      getRemainingTimeInMillis: () => parse(host('remaining', '')),
      done: (error, value) => (error === null || error === undefined ? settle(value) : fail(error)),
      succeed: settle,
      fail,
    }
  }
  function begin(given, info) {
    if (!isLambda) return handler(given)
    const callback = (error, value) => (error === null || error === undefined ? settle(value) : fail(error))
    return handler(given, contextOf(info), callback)
  }

  return {
    adopt(found) {
      if (typeof found !== 'function') return false
      handler = found
      return true
    },
    /** One run: how it ended, or `p` when that is not known yet. */
    call(given, at, name, info) {
      now = at
      event = name
      outcome = origin = undefined
      if (logs.length > 0) rest()
      try {
        const value = begin(parse(given), info === undefined ? undefined : parse(info))
        if (outcome !== undefined) return outcome
        const mayWait = (typeof value === 'object' && value !== null) || typeof value === 'function'
        if (mayWait && typeof value.then === 'function') {
          wait(value)
          return 'p-'
        }
        if (isLambda && value === undefined) return 'p-'
        return finished(value)
      } catch (error) {
        return outcome ?? failed(error)
      }
    },
    take: () => outcome ?? 'p-',
    rest,
    /** An answer from outside has come for what was asked as `id`. */
    answer(id, isGood, said, bytes) {
      const waiting = lib.byCall[id]
      deleteProperty(lib.byCall, id)
      if (waiting !== undefined) waiting(isGood, said, bytes)
    },
    /** What ran is over: nothing that it left waiting is told of what comes. */
    end() {
      lib.byCall = create(null)
    },
    module: name => require(name),
  }
})
