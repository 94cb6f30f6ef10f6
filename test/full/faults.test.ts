import { expect, test } from 'vitest'
import { FAULT_SEED, runFaults, type FaultPlan, type FaultReport } from '../delivery/fault-runner.ts'
import { withSmallDisk } from './small-disk.ts'

const MiB = 1024 * 1024
const PLAN = { seed: FAULT_SEED, viewers: 16, memoryCacheBytes: 16 * MiB, diskBytes: 64 * MiB }

/** Nobody was sent a wrong byte, the edge ended by nobody else, and what was whole is still there. */
async function survive(plan: Pick<FaultPlan, 'kills'> & Partial<FaultPlan>): Promise<FaultReport> {
  const report = await runFaults({ ...PLAN, ...plan })
  console.info(JSON.stringify(report))
  const { wrong, deaths, lost } = report
  const { seed } = PLAN
  expect({ seed, wrong, deaths, lost }).toEqual({ seed, wrong: [], deaths: [], lost: [] })
  return report
}

test.each([
  [200, 1],
  [50, 2],
])(
  '%i kills of an edge of %i workers, with damage to its disk: no wrong byte, and nothing lost that was whole',
  async (kills, workers) => {
    const report = await survive({ kills, workers, deleteEvery: 15 })
    expect(Math.min(report.recovered, report.damaged, report.inWrites, report.inFills)).toBeGreaterThan(0)
  },
  30 * 60_000,
)

test('20 kills on a disk that is full: no wrong byte, and what fits is kept', async context => {
  const mounted = await withSmallDisk(4, async disk => {
    const report = await survive({ kills: 20, disk, damage: 'none' })
    expect(Math.min(report.writeFailures, report.recovered)).toBeGreaterThan(0)
  })
  if (!mounted) context.skip('nothing can be mounted here')
}, 300_000)
