import { afterAll, beforeAll } from 'vitest'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'
import { runSuite, startSuiteOrigin } from './cache-suite.ts'
import { declareVerdicts, mayFail } from './cache-suite-verdicts.ts'
import { EdgeBench } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'

let outcomes: ReadonlyMap<string, string>
let close = (): Promise<unknown> => Promise.resolve()

beforeAll(async () => {
  const origin = await startSuiteOrigin()
  const bench = await EdgeBench.start((_, response) => response.end(), {
    allowOrigins: ['127.0.0.0/8'],
    snapshot: snapshotWith(
      [{ id: 'suite', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }],
      [
        {
          pattern: '*',
          ttl: { minimum: 0, default: 0, maximum: 3_153_600_000 },
          ...{ query: 'all', forward: 'all', cookies: 'all', methods: 'all' },
        },
      ],
    ),
  })
  close = () => Promise.all([bench.close(), origin.close()])
  outcomes = await runSuite({ edge: bench.url, origin: origin.url }, mayFail)
}, 90_000)

afterAll(() => close())

declareVerdicts(() => outcomes)
