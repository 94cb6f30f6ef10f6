import { test } from 'vitest'
import { reckonKills } from './usage-reckoned.ts'

test('two kills of each process under traffic leave a ledger that agrees with those who counted', async () => {
  await reckonKills(2)
}, 120_000)
