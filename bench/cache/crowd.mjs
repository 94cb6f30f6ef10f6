// A thousand viewers with open connections ask for one cold object at once; the origin takes 0.3 s to send it.
import { median } from '../running.mjs'
import { judge, tell } from './figures.mjs'
import { turned } from './throughput.mjs'
import { connectAll } from './viewers.mjs'

export async function crowd({ scale, origin, sluice, nginx, varnish }) {
  const contestants = [sluice, nginx, ...(varnish ? [varnish] : [])]
  const figures = Object.fromEntries(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round < scale.rounds; round++)
    for (const each of turned(contestants, round))
      figures[each.name].push(await rush(each, round, { scale, origin }))
  for (const { name } of contestants) {
    const of = what => median(figures[name].map(each => each[what]))
    const fetches = figures[name].map(each => each.fetches)
    tell(
      `crowd of ${scale.crowd} on a cold part: ${name}, until the last has it`,
      of('last'),
      `ms; the last has its first byte after ${of('first').toFixed(0)} ms, fetches ${fetches.join(' ')}`,
    )
  }
  const most = Math.max(...figures.sluice.map(({ fetches }) => fetches))
  judge('crowd: fetches of an object at most', most, { floor: 1, is: 'at most', unit: 'of the origin' })
  const last = name => median(figures[name].map(each => each.last))
  for (const { name } of contestants.slice(1))
    tell(`crowd: sluice / ${name}, until the last has it`, last('sluice') / last(name), 'ratio of medians')
}

async function rush({ http }, round, { scale, origin }) {
  const viewers = await connectAll(http, scale.crowd)
  await origin.counts()
  const target = `/open/slow-512k-crowd${round}.m4s`
  const began = performance.now()
  const answers = await Promise.all(viewers.map(viewer => viewer.get(target)))
  for (const viewer of viewers) viewer.close()
  return {
    first: Math.max(...answers.map(({ first }) => first)) - began,
    last: Math.max(...answers.map(({ last }) => last)) - began,
    fetches: (await origin.counts()).get(target) ?? 0,
  }
}
