import { expect, test } from 'vitest'
import { FAULT_SEED, runFaults } from './fault-runner.ts'

const MiB = 1024 * 1024
const KILLS = 12

test(`${KILLS} kills under traffic, with damage to the disk: no wrong byte, and nothing lost that was whole`, async () => {
  const report = await runFaults({
    ...{ kills: KILLS, seed: FAULT_SEED, viewers: 8, deleteEvery: 8 },
    ...{ memoryCacheBytes: 16 * MiB, diskBytes: 64 * MiB },
  })
  const { wrong, deaths, lost } = report
  // The seed tells what was asked for and damaged; when exactly, it cannot tell.
  expect({ seed: FAULT_SEED, wrong, deaths, lost }).toEqual({
    ...{ seed: FAULT_SEED, wrong: [], deaths: [], lost: [] },
  })
  expect(Math.min(report.recovered, report.damaged, report.cut, report.inFills)).toBeGreaterThan(0)
}, 120_000)
