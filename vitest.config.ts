import { defineConfig } from 'vitest/config'

/** The long suites run with `npm run test:full`, which sets this. */
const full = process.env.SLUICE_TEST_FULL === '1'

/** Rooms without state of their own: their tests share what is loaded, which takes longer than they do. */
const PURE = ['core', 'hls', 'cmaf', 'http', 'signing', 'distribution'].map(
  room => `test/${room}/**/*.test.ts`,
)

const shared = { testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'pure', include: PURE, isolate: false } },
      {
        test: {
          ...shared,
          name: 'house',
          include: ['test/**/*.test.ts'],
          exclude: full ? PURE : [...PURE, 'test/full/**'],
        },
      },
    ],
  },
})
