import { expect, test } from 'vitest'
import { FAULT_SEED, runFaults } from '../delivery/fault-runner.ts'
import { withSmallDisk } from './small-disk.ts'

const MiB = 1024 * 1024
const PLAN = { seed: FAULT_SEED, viewers: 16, memoryCacheBytes: 16 * MiB, diskBytes: 64 * MiB }

test.each([
  [200, 1],
  [50, 2],
])(
  '%i kills of an edge of %i workers, with damage to its disk: no wrong byte, and nothing lost that was whole',
  async (kills, workers) => {
    const report = await runFaults({ ...PLAN, kills, workers, deleteEvery: 15 })
    console.info(JSON.stringify(report))
    const { wrong, deaths, lost } = report
    expect({ seed: PLAN.seed, wrong, deaths, lost }).toEqual({
      seed: PLAN.seed,
      wrong: [],
      deaths: [],
      lost: [],
    })
    expect(Math.min(report.recovered, report.damaged, report.inWrites, report.inFills)).toBeGreaterThan(0)
  },
  30 * 60_000,
)

test('20 kills on a disk that is full: no wrong byte, and what fits is kept', async context => {
  const mounted = await withSmallDisk(4, async disk => {
    const report = await runFaults({ ...PLAN, kills: 20, disk, damage: 'none' })
    console.info(JSON.stringify(report))
    const { wrong, deaths, lost } = report
    expect({ seed: PLAN.seed, wrong, deaths, lost }).toEqual({
      seed: PLAN.seed,
      wrong: [],
      deaths: [],
      lost: [],
    })
    expect(Math.min(report.writeFailures, report.recovered)).toBeGreaterThan(0)
  })
  if (!mounted) context.skip('nothing can be mounted here')
}, 300_000)
