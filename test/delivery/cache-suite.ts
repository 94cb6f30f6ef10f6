import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setBaseUrl, setFetch } from 'http-cache-tests/client/config.mjs'
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs'
import handleConfig from 'http-cache-tests/server/handle-config.mjs'
import handleState from 'http-cache-tests/server/handle-state.mjs'
import handleTest from 'http-cache-tests/server/handle-test.mjs'
import sets, { type SuiteCase } from 'http-cache-tests/tests/index.mjs'

const HANDLES: ReadonlyMap<string, typeof handleTest> = new Map([
  ['config', handleConfig],
  ['state', handleState],
  ['test', handleTest],
])

/** Most cases are three seconds of waiting. */
const AT_ONCE = 120
/** The suite's own. */
const PAUSE = 3000

/**
 * Lifetimes of the suite are two seconds, and Dates whole ones. Where a machine is busy with others, an answer may take
 * seconds on its way through this process, and is stale when it comes: to fetch it anew is right then, and the case says
 * nothing. Only such a case is run again, in quieter company; one that ran in its time and is not passed never is.
 */
const LATE = 700
const AGAIN = 2
const AGAIN_AT_ONCE = 16

export type Kind = 'required' | 'optimal' | 'check'

/** The public suite's cases for shared caches. */
export const CASES: ReadonlyMap<string, SuiteCase & { kind: Kind }> = new Map(
  sets
    .flatMap(({ tests }) => tests)
    .filter(each => each.browser_only !== true)
    .map(each => [each.id, { ...each, kind: each.kind ?? 'required' }]),
)

/** The suite's own origin, less the files that its pages need. */
export async function startSuiteOrigin(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [what = '', ...segments] = new URL(request.url ?? '/', 'http://suite').pathname.slice(1).split('/')
    const handle = HANDLES.get(what)
    if (handle) handle(segments, request, response)
    else response.writeHead(404).end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on TCP
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** What became of each case: `passed`, or why not. */
export async function runSuite(
  { edge, origin }: { edge: string; origin: string },
  mayFail: (id: string) => boolean,
): Promise<Map<string, string>> {
  setBaseUrl(edge)
  // What a case is made of goes to the origin itself.
  setFetch((url, init) => fetch(url.startsWith(`${edge}/config/`) ? url.replace(edge, origin) : url, init))
  const outcomes = new Map<string, Outcome>()
  await runAll([...CASES.keys()], AT_ONCE, outcomes)
  for (let turn = 0; turn < AGAIN; turn++) {
    const upset = [...outcomes].filter(
      ([id, { result, late }]) => result !== 'passed' && late > LATE && !mayFail(id),
    )
    await runAll(
      upset.map(([id]) => id),
      AGAIN_AT_ONCE,
      outcomes,
    )
  }
  return new Map([...outcomes].map(([id, { result }]) => [id, result]))
}

interface Outcome {
  result: string
  /** How much longer than its pauses the case took. */
  late: number
}

async function runAll(ids: string[], atOnce: number, outcomes: Map<string, Outcome>): Promise<void> {
  const waiting = [...ids]
  const worker = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) outcomes.set(id, await run(id))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

async function run(id: string): Promise<Outcome> {
  const pauses = CASES.get(id)?.requests.filter(each => each.pause_after === true).length ?? 0
  const due = performance.now() + pauses * PAUSE
  // It writes into what it is given, and refuses to run what has a result.
  await makeCacheTest(structuredClone(CASES.get(id)))
  const late = performance.now() - due
  const result = testResults[id]
  Reflect.deleteProperty(testResults, id)
  return { result: result === true ? 'passed' : (result?.join(': ') ?? 'not run'), late }
}
