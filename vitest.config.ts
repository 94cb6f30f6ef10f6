import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/order.ts'

/** The long suites run with `npm run test:full`, which sets this. */
const full = process.env.SLUICE_TEST_FULL === '1'

// A person's own database: control would take it for its own, and tests write into control's.
delete process.env.DATABASE_URL
delete process.env.DATABASE_URL_FILE

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: full ? [] : ['test/full/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than the two cores that this is measured on: what waits for a film to play keeps no core busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
})
