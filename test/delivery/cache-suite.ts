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

/** Most cases are three seconds of waiting; of more at once, lifetimes of two seconds run out on their way. */
const AT_ONCE = 120
/** For the same reason a case that should pass is run again, in quieter company, before it counts as not passed. */
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
  const outcomes = new Map<string, string>()
  await runAll([...CASES.keys()], AT_ONCE, outcomes)
  for (let turn = 0; turn < AGAIN; turn++) {
    const upset = [...outcomes].filter(([id, outcome]) => outcome !== 'passed' && !mayFail(id))
    await runAll(
      upset.map(([id]) => id),
      AGAIN_AT_ONCE,
      outcomes,
    )
  }
  return outcomes
}

async function runAll(ids: string[], atOnce: number, outcomes: Map<string, string>): Promise<void> {
  const waiting = [...ids]
  const worker = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) outcomes.set(id, await run(id))
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

async function run(id: string): Promise<string> {
  // It writes into what it is given, and refuses to run what has a result.
  await makeCacheTest(structuredClone(CASES.get(id)))
  const result = testResults[id]
  Reflect.deleteProperty(testResults, id)
  return result === true ? 'passed' : (result?.join(': ') ?? 'not run')
}
