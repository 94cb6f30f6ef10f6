import type { FunctionReason } from '../../core/index.ts'
import { limitsOf, MOST_LOGGED, mostCode } from '../limits.ts'
import type { SlottedProgram } from '../protocol.ts'
import { withHandler, type Form } from './form.ts'
import { startEngine, type Engine, type QuickJSHandle } from './engine.ts'
import { environmentOf } from './environment.ts'
import { moduleText } from './modules.ts'
import { outside } from './outside.ts'
import { Stopwatch, type Allowance } from './stopwatch.ts'

/** What a program may take to be compiled and for what stands at its top, in milliseconds. */
const SETTING_UP: Allowance = { computing: 500, clock: 5000 }
/** Promise jobs between two looks at the time. */
const JOBS_AT_ONCE = 500

/** How a slice of a run ended; undefined while the run waits for something outside. */
export type Ended = { how: 'v' | FunctionReason; text: string; rest: string } | undefined

const REASONS: Record<string, 'v' | FunctionReason> = {
  v: 'v',
  e: 'function-failed',
  m: 'function-memory',
  o: 'function-output',
  r: 'function-result',
}

/** What core.js gives: the function's side of the glue. */
type Glue = Record<'call' | 'take' | 'rest' | 'answer' | 'end', QuickJSHandle>

/** What a sandbox asks its thread for; each belongs to the run under way. */
export interface Asks {
  fetch(head: string, body: Uint8Array | undefined): number
  timer(after: number): number
  /** Milliseconds until the run is cut off. */
  remaining(): number
  kvs(asked: readonly [string, string | null, string?]): unknown
}

export interface RunArguments {
  argument: string
  now: number
  event: string
  /** JSON of what a handler of Lambda@Edge is told of itself; empty for all others. */
  info: string
}

/** A function in a QuickJS of its own. Not to be used again once a slice has ended in anything but a value. */
export class Sandbox {
  readonly program: SlottedProgram
  /** Runs that it has had. */
  runs = 0
  readonly #engine: Engine
  readonly #asks: Asks
  #glue: Glue
  readonly #names = new Map<string, QuickJSHandle>()
  readonly #watch = new Stopwatch()

  /** Throws an Error with the author's message: the program does not compile, or has no handler. */
  static async make(
    program: SlottedProgram,
    asks: Asks,
    slice: <T>(allowed: Allowance, work: () => T) => T,
  ): Promise<Sandbox> {
    const most = mostCode(program.runtime)
    if (Buffer.byteLength(program.code) > most) throw new Error(`the code is longer than ${most} bytes`)
    const engine = await startEngine(limitsOf(program.runtime, 'origin-request').memory)
    return slice(SETTING_UP, () => new Sandbox(program, engine, asks))
  }

  private constructor(program: SlottedProgram, engine: Engine, asks: Asks) {
    this.program = program
    this.#engine = engine
    this.#asks = asks
    engine.runtime.setInterruptHandler(() => this.#watch.look())
    this.#watch.start(SETTING_UP)
    this.#glue = this.#setUp()
    this.#watch.stop()
  }

  /** Its last slice has computed for longer than a function should. */
  get isSlow(): boolean {
    return this.#watch.isSlow
  }

  /** Bytes that it holds of the machine. */
  get taken(): number {
    return this.#engine.taken()
  }

  run(given: RunArguments, allowed: Allowance): Ended {
    const { context } = this.#engine
    this.runs++
    return this.#slice(allowed, () => {
      const argument = context.newString(given.argument)
      // What could not be made for want of memory is no string.
      if (context.typeof(argument) !== 'string')
        return { how: 'function-memory', text: 'out of memory', rest: '' }
      const now = context.newNumber(given.now)
      const info = given.info === '' ? context.undefined : context.newString(given.info)
      const said = this.#say(this.#glue.call, argument, now, this.#nameOf(given.event), info)
      for (const each of [argument, now, info]) each.dispose()
      return this.#settled(said)
    })
  }

  /** An event's name, made once. */
  #nameOf(event: string): QuickJSHandle {
    const made = this.#names.get(event) ?? this.#engine.context.newString(event)
    this.#names.set(event, made)
    return made
  }

  /** Hands over what has come from outside; `ended` when that ends the run. */
  answer(id: number, isGood: boolean, text: string, body: Uint8Array | undefined, allowed: Allowance): Ended {
    const { context } = this.#engine
    return this.#slice(allowed, () => {
      const bytes =
        body === undefined ? context.undefined : context.newArrayBuffer(new Uint8Array(body).buffer)
      const given = [
        context.newNumber(id),
        isGood ? context.true : context.false,
        context.newString(text),
        bytes,
      ]
      const result = context.callFunction(this.#glue.answer, context.undefined, ...given)
      for (const each of given) each.dispose()
      if (result.error !== undefined) return this.#broken(result.error)
      result.value.dispose()
      return this.#settled('p-')
    })
  }

  /** After a run that has returned: what it left waiting is forgotten. */
  end(): void {
    this.#engine.context.callFunction(this.#glue.end, this.#engine.context.undefined).dispose()
  }

  /** A run is over when it has said so; jobs that it left are done in its time. */
  #settled(said: string | Ended): Ended {
    if (typeof said !== 'string') return said
    const { runtime } = this.#engine
    let told = said
    while (runtime.hasPendingJob()) {
      const done = runtime.executePendingJobs(JOBS_AT_ONCE)
      // What a job throws is a rejection: what comes through is a cut, or the end of the memory.
      if (done.error !== undefined) return this.#broken(done.error)
      if (this.#watch.look()) return CUT
    }
    if (told.startsWith('p')) {
      const taken = this.#say(this.#glue.take)
      if (typeof taken !== 'string') return taken
      told = taken
    }
    return told.startsWith('p') ? undefined : this.#read(told)
  }

  #read(told: string): Ended {
    const how = REASONS[told.slice(0, 1)]
    // What is no letter of ours is what is left of a text that there was no memory for.
    if (how === undefined) return { how: 'function-memory', text: 'out of memory', rest: '' }
    const text = told.slice(2)
    const rest = told[1] === '+' ? this.#say(this.#glue.rest) : ''
    return { how, text, rest: typeof rest === 'string' ? rest : '' }
  }

  #say(what: QuickJSHandle, ...given: QuickJSHandle[]): string | Ended {
    const { context } = this.#engine
    const result = context.callFunction(what, context.undefined, ...given)
    if (result.error !== undefined) return this.#broken(result.error)
    const text = context.getString(result.value)
    result.value.dispose()
    return text
  }

  /** The glue tells all that it can catch: what comes through it is a cut, or the end of the memory. */
  #broken(error: QuickJSHandle): Ended {
    if (this.#watch.isOver) return CUT
    const text = this.#messageOf(error)
    const isMemory = text === 'null' || text.includes('out of memory')
    return {
      how: isMemory ? 'function-memory' : 'function-failed',
      text: isMemory ? 'out of memory' : text,
      rest: '',
    }
  }

  #slice(allowed: Allowance, work: () => Ended): Ended {
    this.#watch.start(allowed)
    try {
      const ended = work()
      return this.#watch.isOver ? CUT : ended
    } catch (error) {
      if (this.#watch.isOver) return CUT
      // WebAssembly has trapped, or V8's stack is at its end: what this QuickJS holds may be anything now.
      return {
        how: 'function-failed',
        text: `the sandbox has broken: ${String(error).slice(0, 200)}`,
        rest: '',
      }
    } finally {
      this.#watch.stop()
    }
  }

  #messageOf(error: QuickJSHandle): string {
    const { context } = this.#engine
    if (context.typeof(error) !== 'object') return context.getString(error).slice(0, 2000)
    const read = (name: string): string =>
      context.getProp(error, name).consume(each => context.getString(each))
    const stack = read('stack').trim().split('\n')[0] ?? ''
    return `${read('name')}: ${read('message')} ${stack.trim()}`.trim().slice(0, 2000)
  }

  #value(result: { value: QuickJSHandle; error?: undefined } | { error: QuickJSHandle }): QuickJSHandle {
    if (result.error === undefined) return result.value
    if (this.#watch.isOver) throw new Error(`what stands at the top of the code did not end in time`)
    throw new Error(this.#messageOf(result.error))
  }

  #setUp(): Glue {
    const { context, runtime } = this.#engine
    const { runtime: kind } = this.program
    const evaluate = (name: string): QuickJSHandle =>
      this.#value(
        context.evalCode(environmentOf(name), `${name}.js`, {
          type: 'global',
          backtraceBarrier: true,
        }),
      )
    const host = context.newFunction('host', (name, asked, bytes) =>
      this.#ask(context.getString(name), context.getString(asked), bytes),
    )
    const part = context.newFunction('part', name => evaluate(context.getString(name)))
    const limits = context.newObject()
    context.setProp(limits, 'logs', context.newNumber(MOST_LOGGED))
    context.setProp(limits, 'output', context.newNumber(limitsOf(kind, 'origin-request').output))
    const glue = this.#value(
      context.callFunction(evaluate('core'), context.undefined, host, part, context.newString(kind), limits),
    )
    this.#engine.confine()
    runtime.setModuleLoader(moduleText)
    const found = this.#compile(withHandler(this.program))
    const isFound = this.#value(
      context.callFunction(context.getProp(glue, 'adopt'), context.undefined, found),
    )
    if (!context.sameValue(isFound, context.true))
      throw new Error(NO_HANDLER[kind === 'lambda-edge' ? 'lambda' : 'other'])
    const prop = (name: string): QuickJSHandle => context.getProp(glue, name)
    return {
      call: prop('call'),
      take: prop('take'),
      rest: prop('rest'),
      answer: prop('answer'),
      end: prop('end'),
    }
  }

  /** Evaluates the author's code in the forms that it may have, one after the other; gives what its handler is. */
  #compile(forms: readonly Form[]): QuickJSHandle {
    let first: unknown
    for (const form of forms) {
      try {
        return this.#evaluate(form)
      } catch (error) {
        // Only what could not be read in one form may be meant in the other.
        if (this.#watch.isOver || !/^SyntaxError/.test(String((error as Error).message))) throw first ?? error
        first ??= error
      }
    }
    throw first
  }

  #evaluate(form: Form): QuickJSHandle {
    const { context, runtime } = this.#engine
    const name = `${this.program.name.replace(/:.*/, '')}.js`
    const made = this.#value(context.evalCode(form.code, name, { type: form.type }))
    if (form.type === 'global')
      return form.then === undefined ? made : this.#value(context.evalCode(form.then))
    // A module is a promise while it has a top that waits.
    while (runtime.hasPendingJob() && runtime.executePendingJobs(JOBS_AT_ONCE).error === undefined);
    const state = context.getPromiseState(made)
    if (state.type === 'rejected') throw new Error(this.#messageOf(state.error))
    if (state.type === 'pending')
      throw new Error('what stands at the top of the code waits for what never comes')
    return context.getProp(state.value, form.exported)
  }

  #ask(name: string, asked: string, bytes: QuickJSHandle | undefined): QuickJSHandle {
    const { context } = this.#engine
    const given: unknown = asked === '' ? undefined : JSON.parse(asked)
    const copied = this.#copied(bytes)
    const made = this.#answerTo(name, given, asked, copied)
    if (made instanceof Uint8Array) return context.newArrayBuffer(new Uint8Array(made).buffer)
    return context.newString(JSON.stringify(made ?? null))
  }

  #answerTo(name: string, given: unknown, asked: string, bytes: Uint8Array | undefined): unknown {
    switch (name) {
      case 'fetch':
        return this.#asks.fetch(asked, bytes)
      case 'timer':
        return this.#asks.timer(Number((given as unknown[])[0])) // as the environment makes it
      case 'remaining':
        return this.#asks.remaining()
      case 'kvs':
        return this.#asks.kvs(given as [string, string | null, string?]) // as the environment makes it
      default:
        return outside(name, given, bytes ?? new Uint8Array())
    }
  }

  #copied(bytes: QuickJSHandle | undefined): Uint8Array | undefined {
    const { context } = this.#engine
    if (bytes === undefined || context.typeof(bytes) !== 'object') return undefined
    // An empty one has no place, which the library takes for a failure.
    const length = context.getProp(bytes, 'byteLength').consume(each => context.getNumber(each))
    return length === 0 ? new Uint8Array() : context.getArrayBuffer(bytes).consume(each => each.value.slice())
  }
}

const CUT = {
  how: 'function-timeout',
  text: 'it was cut off, since it took longer than it may',
  rest: '',
} as const

const NO_HANDLER = {
  lambda: 'there is no function exports.handler',
  other: 'there is no function handler',
}
