import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/order.ts'

/** The long suites run with `npm run test:full`, which sets this. */
const full = process.env.SLUICE_TEST_FULL === '1'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: full ? [] : ['test/full/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
})
