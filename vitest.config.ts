import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/order.ts'

/** The long suites run with `npm run test:full`, which sets this. */
const full = process.env.SLUICE_TEST_FULL === '1'
/** Files that this machine lacks something for, or that have been run already, separated by commas. */
const leftOut = (process.env.SLUICE_TEST_LEAVE_OUT ?? '').split(',').filter(name => name !== '')

// A person's own database: control would take it for its own, and tests write into control's.
delete process.env.DATABASE_URL
delete process.env.DATABASE_URL_FILE

/**
 * Tests that have a process of their own: they start Sluice itself or change what a process has (its environment, the
 * modules of others). All others leave nothing behind, and so share what they have loaded.
 */
const alone = ['app', 'cli', 'e2e', 'full', 'house']
  .map(room => `test/${room}/**/*.test.ts`)
  .concat('test/*.test.ts', 'test/cache/disk-reading.test.ts', 'test/delivery/grant-memo.test.ts')

/** Threads that the code under test starts inherit it. */
const threads = new URL('test/threads-from-sources.mjs', import.meta.url).href

export default defineConfig({
  test: {
    execArgv: ['--import', threads],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // One more than the two cores that this is measured on: what waits for a film to play keeps no core busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: alone, isolate: false },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, exclude: full ? leftOut : [...leftOut, 'test/full/**'] },
      },
    ],
  },
})
