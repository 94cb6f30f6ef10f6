import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { LedgerReader, silentLogger, UsageLedger } from '../../src/telemetry/index.ts'
import { withSmallDisk } from './small-disk.ts'

const SEVEN = Date.UTC(2026, 10, 24, 7)

/** Takes all the room that there is. */
function fill(file: string, folder: string): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(file, Buffer.alloc(bavail * bsize))
}

test('on a disk that is full no count is lost, whether its process goes on or is killed', async context => {
  const mounted = await withSmallDisk(3, async disk => {
    let now = SEVEN
    const folder = path.join(disk, 'main')
    const open = async (): Promise<UsageLedger> => {
      const ledger = new UsageLedger({ folder, clock: { now: () => instant(now) }, log: silentLogger })
      await ledger.start()
      return ledger
    }
    const count = async (ledger: UsageLedger): Promise<void> => {
      for (let second = 0; second < 600; second++) {
        now += 1_000
        ledger.add('E1', 'requests-https', 1)
        // A short name each time, so that entries take room.
        ledger.add(`E${second}`.padEnd(40, 'x'), 'requests-http', 1)
        ledger.commit()
        await ledger.tick()
      }
    }
    const ballast = path.join(disk, 'ballast')
    const first = await open()
    await count(first)
    fill(ballast, disk)
    await count(first)
    expect(first.state.unwritten).toBeGreaterThan(0)
    expect(first.state.tallied).toBe(true)
    // It is killed here, and the next finds the disk as full as it was.
    const second = await open()
    await count(second)
    rmSync(ballast)
    now += 1_000
    await second.tick()
    await second.close()
    const entries = new LedgerReader(folder)
    let requests = 0
    for (let next = 1; ;) {
      const some = entries.from(next)
      if (some.length === 0) break
      expect(some[0]?.sequence).toBe(next)
      next += some.length
      for (const { distribution, amount } of some.flatMap(({ amounts }) => amounts))
        if (distribution === 'E1') requests += amount
    }
    expect(requests).toBe(1_800)
    expect(entries.last?.amounts.length).toBeGreaterThan(0)
  })
  if (!mounted) context.skip()
}, 60_000)
