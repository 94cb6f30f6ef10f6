import { afterAll, afterEach } from 'vitest'
import type { FunctionId, StoreId } from '../../src/core/index.ts'
import type { FunctionEvent, FunctionRuntime } from '../../src/distribution/index.ts'
import {
  createFunctionRunner,
  type FunctionRunner,
  type Json,
  type Outcome,
  type Program,
  type RunnerOptions,
  type Stores,
} from '../../src/functions/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'

/** Starting a thread from sources takes seconds: tests that want nothing of their own share one runner. */
let shared: FunctionRunner | undefined
const runners: FunctionRunner[] = []
afterEach(async () => {
  for (const each of runners.splice(0)) await each.close()
})
afterAll(async () => {
  await shared?.close()
  // What the next file in this process shares is another.
  shared = undefined
})

export const named = (name: string): FunctionId => name as FunctionId
export const stored = (name: string): StoreId => name as StoreId

export function program(runtime: FunctionRuntime, code: string, more: Partial<Program> = {}): Program {
  return { id: named('f'), runtime, code, ...more }
}

/** A runner that knows these; with options one of the test's own. */
export async function runnerOf(
  programs: readonly Program[],
  stores: Stores = new Map(),
  options?: Partial<RunnerOptions>,
): Promise<FunctionRunner> {
  const runner =
    options === undefined
      ? (shared ??= createFunctionRunner({ log: silentLogger }))
      : createFunctionRunner({ log: silentLogger, ...options })
  if (options !== undefined) runners.push(runner)
  await runner.follow(programs, stores)
  return runner
}

/** Runs a function once, and nothing else. */
export async function outcomeOf(
  runtime: FunctionRuntime,
  code: string,
  argument: Json = {},
  event: FunctionEvent = runtime === 'sluice-js-1' ? 'playlist-response' : 'viewer-request',
): Promise<Outcome> {
  const runner = await runnerOf([program(runtime, code)])
  return runner.run({ function: named('f'), event, argument })
}

/** What it returned; the outcome where it did not. */
export async function valueOf(...given: Parameters<typeof outcomeOf>): Promise<unknown> {
  const outcome = await outcomeOf(...given)
  return outcome.kind === 'returned' ? outcome.value : outcome
}
