// A load that mostly misses memory: names by Zipf's law, a working set of four times the memory that ours may use; what
// does not fit comes from disk, or again from the origin. nginx keeps all on disk, where the system's page cache helps it.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { tell } from './figures.mjs'
import { median, temporaryFolder } from '../running.mjs'
import { costed, wrk } from './load.mjs'
import { flagOf, startSluice } from './sluice.mjs'
import { startNginx } from './peers.mjs'
import { turned } from './throughput.mjs'

const MEMORY = 128
const TIMES = 4
const SIZE_KIB = 64
const SKEW = 0.8

export async function zipf({ scale, programs, origin, certificates }) {
  const folder = temporaryFolder()
  const names = (MEMORY * TIMES * 1024) / SIZE_KIB
  const script = path.join(folder, 'zipf.lua')
  writeFileSync(script, draws(names))
  const sluice = await startSluice(origin, { 'cache.memory': `${MEMORY}MiB`, 'cache.disk': '4GiB' })
  const nginx = await startNginx(programs, origin, { ...certificates, disk: '4g' })
  const figures = { sluice: [], nginx: [] }
  for (const each of [sluice, nginx]) await wrk(programs, each.http, { seconds: scale.fill, script })
  for (let round = 0; round < scale.rounds; round++)
    for (const each of turned([sluice, nginx], round)) {
      await origin.counts()
      const load = await costed(each.pids, () => wrk(programs, each.http, { seconds: scale.seconds, script }))
      const asked = [...(await origin.counts()).values()].reduce((sum, count) => sum + count, 0)
      figures[each.name].push({ ...load, share: 1 - asked / load.requests })
    }
  const of = (name, what) => median(figures[name].map(each => each[what]))
  const disk = flagOf('cache.disk') === undefined ? 'memory alone' : 'memory and disk'
  for (const name of ['sluice', 'nginx'])
    tell(
      `Zipf over ${names} objects of ${SIZE_KIB} KiB: ${name}${name === 'sluice' ? `, ${disk}` : ''}`,
      of(name, 'rate'),
      `requests/s; ${(of(name, 'share') * 100).toFixed(1)} % without the origin`,
    )
  tell('Zipf: sluice / nginx', of('sluice', 'rate') / of('nginx', 'rate'), 'ratio of medians')
  await sluice.close()
  await nginx.close()
}

/** The n-th name has the weight of n to the power of -SKEW; a search in the running sum draws one. */
function draws(names) {
  return `math.randomseed(11)
local sum, sums = 0, {}
for n = 1, ${names} do sum = sum + n ^ -${SKEW}; sums[n] = sum end
function request()
  local wanted, low, high = math.random() * sum, 1, ${names}
  while low < high do local mid = math.floor((low + high) / 2); if sums[mid] < wanted then low = mid + 1 else high = mid end end
  return wrk.format("GET", "/open/${SIZE_KIB}k-zipf" .. low .. ".m4s")
end
`
}
