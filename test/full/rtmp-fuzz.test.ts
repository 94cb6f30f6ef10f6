import { expect, test } from 'vitest'
import { fuzzIngest } from '../ingest/fuzz.ts'

const MINUTE_MS = 60_000
const MOST_GROWTH = 40 * 1024 * 1024

test(
  'two and a half minutes of damaged sessions harm neither the server nor the stream beside them',
  async () => {
    const report = await fuzzIngest({ milliseconds: 2.5 * MINUTE_MS })
    console.log(JSON.stringify(report))
    const { seed } = report
    expect(report).toMatchObject({ unexpected: [], wrong: 0, left: 0 })
    expect(report.sessions, `seed ${seed}`).toBeGreaterThan(2000)
    expect(report.accepted, `seed ${seed}`).toBeGreaterThan(200)
    expect(report.growth, `seed ${seed}`).toBeLessThan(MOST_GROWTH)
  },
  4 * MINUTE_MS,
)
