import { expect } from 'vitest'
import { pause } from '../../src/core/index.ts'
import { UsageWorld } from './usage-world.ts'

/**
 * Kills each process so often under traffic, and compares what the ledgers have with what viewers and the site have seen:
 *
 * - What a viewer got as a whole is counted, request and bytes: it was in the tally before its last bytes left. What broke off was
 *   counted once at most, and with no more than it has. So: whole ≤ ledger ≤ whole + broken.
 * - What the site was asked is counted, since that was in the tally before it was sent; the only questions more are those that a
 *   killed process had counted and not sent. So: asked ≤ ledger ≤ asked + what may have been under way at the kills.
 * - What the site said and reached a viewer whole, unkept, went through a node that had counted it. So: fresh ≤ ledger ≤ said.
 */
export async function reckonKills(each: number): Promise<void> {
  const world = new UsageWorld()
  try {
    await world.start()
    await pause(500)
    for (let round = 0; round < each; round++)
      for (const [at, victim] of world.victims.entries()) {
        // Another phase of the traffic each time, and the same ones in each run.
        await pause((round * 37 + at * 61) % 400)
        await world.kill(victim)
      }
    await pause(500)
    const { ledger, viewers, site, underWay } = await world.reckon()
    const { whole, broken, submitted } = viewers
    expect(whole.GET.requests).toBeGreaterThan(100)
    const bytes = (ledger['bytes-http-static'] ?? 0) + (ledger['bytes-http-dynamic'] ?? 0)
    // The one that waited for the site to be served was no viewer of these.
    between(ledger['requests-http'], whole.GET.requests + 1, broken.GET.requests)
    between(bytes, whole.GET.bytes + 3_000, broken.GET.bytes)
    between(ledger['requests-http-proxy'], whole.POST.requests, broken.POST.requests)
    between(ledger['bytes-http-proxy'], whole.POST.bytes, broken.POST.bytes)
    between(ledger['submitted-bytes'], submitted.whole, submitted.broken)
    between(ledger['origin-requests'], site.asked, underWay)
    between(ledger['origin-bytes'], viewers.fresh, site.said - viewers.fresh)
    const figures = { each, whole, broken, ledger, asked: site.asked, said: site.said, fresh: viewers.fresh }
    if (process.env['SLUICE_TEST_FIGURES'] === '1') process.stderr.write(`${JSON.stringify(figures)}\n`)
  } finally {
    await world.close()
  }
}

function between(counted: number | undefined, least: number, more: number): void {
  expect(counted).toBeGreaterThanOrEqual(least)
  expect(counted).toBeLessThanOrEqual(least + more)
}
