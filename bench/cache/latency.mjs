// Latency at half of our own closed-loop rate, the same rate for nginx, by an open loop.
import { median } from '../running.mjs'
import { judge, tell } from './figures.mjs'
import { h2load, paced, wrk } from './load.mjs'
import { OBJECTS, turned } from './throughput.mjs'

const QUIET_MS = 3

export async function latency({ scale, programs, sluice, nginx }) {
  const cases = Object.entries(OBJECTS).flatMap(([what, object]) => [
    { what: `plain, ${what}`, object, protocol: 'h1', site: each => each.http },
    { what: `h2, ${what}`, object, protocol: 'h2', site: each => each.https },
  ])
  for (const { what, object, protocol, site } of cases) {
    const ours = `${site(sluice)}/open/${object}`
    const rate = (await most(programs, ours, { scale, protocol })) / 2
    const ways = { sluice: ours, nginx: `${site(nginx)}/open/${object}` }
    const figures = { sluice: [], nginx: [] }
    await most(programs, ways.nginx, { scale, protocol })
    for (let round = 0; round < scale.rounds; round++)
      for (const [way, url] of turned(Object.entries(ways), round))
        figures[way].push(await paced(programs, url, { seconds: scale.seconds, rate, protocol }))
    const of = (way, quantile) => median(figures[way].map(each => each[quantile]))
    for (const way of Object.keys(ways))
      tell(
        `latency at ${Math.round(rate)}/s, ${what}: ${way}`,
        of(way, 'p99'),
        `ms at p99; ${of(way, 'p50').toFixed(2)} at p50, ${Math.round(median(figures[way].map(({ reached }) => reached)))}/s reached`,
      )
    const p99 = of('sluice', 'p99')
    const floor = Math.max(QUIET_MS, 2 * of('nginx', 'p99'))
    judge(`latency, ${what}: p99 of sluice against twice nginx's or ${QUIET_MS} ms`, p99, {
      ...{ floor, goal: of('nginx', 'p99'), is: 'at most', unit: 'ms' },
    })
  }
}

/** Requests a second of a closed loop. */
async function most(programs, url, { scale, protocol }) {
  const load = protocol === 'h1' ? wrk : h2load
  await load(programs, url, { seconds: scale.warm })
  return (await load(programs, url, { seconds: scale.seconds })).rate
}
