import { expect, test } from 'vitest'
import { fuzzIngest } from './fuzz.ts'

const milliseconds = Number(process.env.SLUICE_FUZZ_MS ?? 4000)

test(
  'no damaged session harms the server or the stream beside it',
  { timeout: milliseconds + 30_000 },
  async () => {
    const report = await fuzzIngest({ milliseconds })
    console.log(JSON.stringify(report))
    expect(report).toMatchObject({ unexpected: [], wrong: 0, left: 0 })
    expect(report.sessions, `seed ${report.seed}`).toBeGreaterThan(50)
    // Some damage is harmless: without accepted sessions the deeper states would not have been met.
    expect(report.accepted, `seed ${report.seed}`).toBeGreaterThan(5)
    expect(report.growth, `seed ${report.seed}`).toBeLessThan(40 * 1024 * 1024)
  },
)
