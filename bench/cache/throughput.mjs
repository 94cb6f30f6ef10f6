// Hits of one object, ours open and gated against the peers', in alternating rounds.
import { median } from '../running.mjs'
import { costed, h2load, wrk } from './load.mjs'
import { judge, tell } from './figures.mjs'

export const OBJECTS = {
  'playlist of 2 KiB': '2k-index.m3u8',
  'part of 512 KiB': '512k-part.m4s',
  'segment of 2 MiB': '2m-segment.m4s',
}

/** `mode` is `plain`, `https` or `h2`. */
export async function throughput({ mode, scale, programs, sluice, nginx, varnish }) {
  const load = mode === 'h2' ? h2load : wrk
  const site = each => (mode === 'plain' ? each.http : each.https)
  for (const [what, object] of Object.entries(OBJECTS)) {
    const ways = {
      sluice: { of: sluice, url: `${site(sluice)}/open/${object}` },
      'sluice, gated': { of: sluice, url: `${site(sluice)}/members/${object}`, cookie: sluice.cookie },
      nginx: { of: nginx, url: `${site(nginx)}/open/${object}` },
      ...(mode === 'plain' && {
        'nginx without log': { of: nginx, url: `${nginx.quiet}/open/${object}` },
        ...(varnish && { Varnish: { of: varnish, url: `${varnish.http}/open/${object}` } }),
      }),
    }
    const figures = Object.fromEntries(Object.keys(ways).map(way => [way, []]))
    for (const { url, cookie } of Object.values(ways))
      await load(programs, url, { seconds: scale.warm, cookie })
    for (let round = 0; round < scale.rounds; round++)
      for (const [way, { of, url, cookie }] of turned(Object.entries(ways), round))
        figures[way].push(
          await costed(of.pids, () => load(programs, url, { seconds: scale.seconds, cookie })),
        )
    compare(`${mode}, ${what}`, figures)
  }
}

/** Each round begins with another, so that none always follows the same. */
export function turned(list, by) {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function compare(name, figures) {
  const rates = Object.fromEntries(
    Object.entries(figures).map(([way, rounds]) => [way, median(rounds.map(({ rate }) => rate))]),
  )
  const byCpu = way => median(figures[way].map(each => each.byCpu))
  for (const way of Object.keys(figures))
    tell(`${name}: ${way}`, rates[way], `requests/s; ${Math.round(byCpu(way))} for a second of its CPU`)
  const isPlaylist = name.includes('playlist')
  const better = Math.max(rates.nginx, isPlaylist ? 0 : (rates.Varnish ?? 0))
  for (const way of ['sluice', 'sluice, gated']) {
    const against = isPlaylist || rates.Varnish === undefined ? 'nginx' : 'the better peer'
    const limits = isPlaylist ? { floor: 0.75, goal: 1 } : { floor: 0.95, goal: 1.1 }
    judge(`${name}: ${way} / ${against}`, rates[way] / better, { ...limits, is: 'at least' })
    tell(`${name}: ${way} / nginx, for a second of CPU`, byCpu(way) / byCpu('nginx'), 'ratio of medians')
  }
}
