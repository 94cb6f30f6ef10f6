import { test } from 'vitest'
import { reckonKills } from '../e2e/usage-reckoned.ts'

const EACH = 100

test(
  `${EACH} kills of each process under traffic leave a ledger that agrees with those who counted`,
  async () => {
    await reckonKills(EACH)
  },
  60 * 60_000,
)
