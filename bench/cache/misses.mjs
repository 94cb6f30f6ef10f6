// What a miss adds to the time until the first byte, one request after the other, each of an object never asked for.
import { median, quantile } from '../running.mjs'
import { judge, tell } from './figures.mjs'
import { Viewer } from './viewers.mjs'

const BLOCK = 50
let named = 0

export async function misses({ scale, origin, sluice, nginx, varnish }) {
  const direct = { name: 'the origin itself', http: origin.url }
  const contestants = [direct, sluice, nginx, ...(varnish ? [varnish] : [])]
  for (const size of ['2k', '512k']) {
    const times = Object.fromEntries(contestants.map(({ name }) => [name, []]))
    for (let asked = 0; asked < scale.misses + BLOCK; asked += BLOCK)
      for (const { name, http } of contestants) {
        const block = await askNew(http, size)
        // The first block connects, compiles and warms.
        if (asked > 0) times[name].push(...block)
      }
    const of = name => median(times[name])
    for (const { name } of contestants)
      tell(
        `miss of ${size}iB: ${name}`,
        of(name),
        `ms to the first byte at p50; ${quantile(times[name], 0.99).toFixed(2)} at p99`,
      )
    for (const { name } of contestants.slice(2))
      tell(`miss of ${size}iB: ${name} adds`, of(name) - of(direct.name), 'ms')
    judge(`miss of ${size}iB: sluice adds`, of('sluice') - of(direct.name), {
      floor: 2,
      goal: 1,
      is: 'at most',
      unit: 'ms',
    })
  }
}

async function askNew(site, size) {
  const viewer = await Viewer.connect(site)
  const times = []
  for (let at = 0; at < BLOCK; at++) {
    const began = performance.now()
    const { first } = await viewer.get(`/open/${size}-miss${named++}.m4s`)
    times.push(first - began)
  }
  viewer.close()
  return times
}
