import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/order.ts'

/** The long suites run with `npm run test:full`, which sets this. */
const full = process.env.SLUICE_TEST_FULL === '1'
/** Of these, files that this machine lacks something for, separated by commas. */
const lacking = (process.env.SLUICE_TEST_LACKING ?? '').split(',').filter(name => name !== '')

// A person's own database: control would take it for its own, and tests write into control's.
delete process.env.DATABASE_URL
delete process.env.DATABASE_URL_FILE

/** Rooms of values in, values out: their tests leave nothing behind, and so share what they have loaded. */
const pure = ['core', 'client', 'hls', 'cmaf', 'http', 'signing', 'distribution'].map(
  room => `test/${room}/**/*.test.ts`,
)

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than the two cores that this is measured on: what waits for a film to play keeps no core busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'pure', include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...(full ? lacking : ['test/full/**'])],
        },
      },
    ],
  },
})
