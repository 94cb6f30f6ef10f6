import { afterAll, beforeAll, describe } from 'vitest'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { runSuite, startSuiteOrigin } from './cache-suite.ts'
import { declareVerdicts, mayFail } from './cache-suite-verdicts.ts'
import { snapshotWith } from './foreign-origin.ts'
import { startBareEdge } from './regional-alone.ts'
import { TierBench } from './tier-bench.ts'

/** Whatever the cases send: a behaviour that forwards all there is goes past the regional caches. */
const FORWARDED = [
  ...['content-type', 'foo', 'other', 'bar', 'baz', 'abc', 'accept-language', 'authorization'],
  ...['test-id', 'test-name', 'req-num'],
]

describe.each(['an edge and a regional cache', 'a regional cache alone'])('%s', which => {
  let outcomes: ReadonlyMap<string, string>
  let close = (): Promise<unknown> => Promise.resolve()

  beforeAll(async () => {
    const origin = await startSuiteOrigin()
    const snapshot = snapshotWith(
      [{ id: 'suite', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }],
      [
        {
          pattern: '*',
          ttl: { minimum: 0, default: 0, maximum: 3_153_600_000 },
          ...{ query: 'all', forward: FORWARDED, cookies: 'all', methods: 'all' },
        },
      ],
    )
    const bench = await TierBench.start({ snapshot })
    const bare = await startBareEdge(bench, origin.url)
    close = () => Promise.all([bare.close(), bench.close(), origin.close()])
    const edge = which === 'a regional cache alone' ? bare.url : bench.edge.url
    outcomes = await runSuite({ edge, origin: origin.url }, mayFail)
  }, 90_000)

  afterAll(() => close())

  declareVerdicts(() => outcomes)
})
