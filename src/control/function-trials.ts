import type { FunctionId, StoreId } from '../core/index.ts'
import type { FunctionEvent, FunctionRuntime } from '../distribution/index.ts'
import type { FunctionRunner, Json, Outcome, Program } from '../functions/index.ts'
import { refusedInput } from './refusals.ts'

export interface Trial {
  name: string
  runtime: FunctionRuntime
  code: string
  hosts: readonly string[]
  store: { id: StoreId; items: Readonly<Record<string, string>> } | undefined
  /** The handler's argument. */
  event: Json
}

/** Functions as their authors try them: in control, apart from everything else that it does, one after the other. */
export class FunctionTrials {
  readonly #make: () => FunctionRunner
  #runner: FunctionRunner | undefined
  #last: Promise<unknown> = Promise.resolve()

  /** `make` is called when the first function is looked at. */
  constructor(make: () => FunctionRunner) {
    this.#make = make
  }

  /** Refuses code that cannot be run, with the line. */
  async check(name: string, runtime: FunctionRuntime, code: string): Promise<void> {
    const problem = await this.#own().check({ id: name as FunctionId, runtime, code }) // a name that is checked elsewhere
    if (problem !== undefined)
      throw refusedInput('bad-function', [`the code of the function "${name}": ${problem}`])
  }

  /** Refuses an event that is none of the runtime's. */
  run({ name, runtime, code, hosts, store, event }: Trial): Promise<Outcome> {
    const at = eventOf(runtime, event)
    const id = name as FunctionId // as above
    const program: Program = { id, runtime, code, hosts, ...(store && { store: store.id }) }
    const stores = new Map(store ? [[store.id, new Map(Object.entries(store.items))]] : [])
    const running = this.#last.then(async () => {
      await this.#own().follow([program], stores)
      return judged(
        await measured(runtime, () => this.#own().run({ function: id, event: at, argument: event })),
      )
    })
    this.#last = running.catch(() => {}) // who asked is told
    return running
  }

  async close(): Promise<void> {
    await this.#runner?.close()
  }

  #own(): FunctionRunner {
    return (this.#runner ??= this.#make())
  }
}

/**
 * What it took is told of a second run, as at an edge, where its sandbox is there already; what it did, of the first.
 * A handler of Lambda@Edge may ask outside, which is not done twice.
 */
async function measured(runtime: FunctionRuntime, run: () => Promise<Outcome>): Promise<Outcome> {
  const first = await run()
  if (runtime === 'lambda-edge' || first.kind === 'failed') return first
  const { used } = await run()
  return { ...first, used }
}

/** What no event takes. Whether the rest may be is judged by the request that it is for, at an edge. */
function judged(outcome: Outcome): Outcome {
  if (outcome.kind === 'failed') return outcome
  const { value, logs, used } = outcome
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return outcome
  const message = 'the handler returned no object: it returns what the event is about, or an answer'
  return { kind: 'failed', reason: 'function-result', message, logs, used }
}

/** Which event an argument is about: CloudFront writes it into it. */
function eventOf(runtime: FunctionRuntime, event: Json): FunctionEvent {
  if (runtime === 'sluice-js-1') return 'playlist-response'
  const path =
    runtime === 'lambda-edge' ? ['Records', '0', 'cf', 'config', 'eventType'] : ['context', 'eventType']
  const said = path.reduce<Json | undefined>(member, event)
  const mine: readonly FunctionEvent[] =
    runtime === 'lambda-edge'
      ? ['viewer-request', 'origin-request', 'origin-response', 'viewer-response']
      : ['viewer-request', 'viewer-response']
  const found = mine.find(each => each === said)
  if (found !== undefined) return found
  throw refusedInput('bad-event', [
    `the event must say what it is about: set ${path.join('.')} to ${mine.join(' or ')}`,
  ])
}

function member(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, Json>)[name] // an object or an array, which has it
}
