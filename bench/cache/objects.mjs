// What a hit costs with a thousand objects in store and with a million, asked for at random; and a start with them.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { memoryOf } from '../processes.mjs'
import { median, temporaryFolder } from '../running.mjs'
import { judge, tell } from './figures.mjs'
import { costed, wrk } from './load.mjs'
import { startSluice, flagOf } from './sluice.mjs'
import { connectAll, Viewer } from './viewers.mjs'

const FEW = 1_000
const SETTINGS = { 'cache.memory': '6GiB', 'cache.disk': '40GiB' }

export async function objects({ scale, programs, origin }) {
  const folder = temporaryFolder()
  const few = Math.min(FEW, scale.objects / 10)
  let sluice = await startSluice(origin, SETTINGS)
  tell(`objects: settings`, SETTINGS['cache.memory'], 'cache.memory')
  await fill(sluice, { from: 0, to: few })
  const small = await measure(programs, sluice, { count: few, folder, scale })
  const began = performance.now()
  await fill(sluice, { from: few, to: scale.objects })
  const seconds = (performance.now() - began) / 1000
  tell(`objects: filling ${scale.objects} by misses`, scale.objects / seconds, 'objects/s')
  tell(`objects: memory with ${scale.objects}`, memoryOf(sluice.pids[0]), 'MiB')
  const large = await measure(programs, sluice, { count: scale.objects, folder, scale })
  tell(`objects: hits among ${few}`, small.rate, `requests/s; ${Math.round(small.byCpu)} for a second of CPU`)
  tell(
    `objects: hits among ${scale.objects}`,
    large.rate,
    `requests/s; ${Math.round(large.byCpu)} for a second of CPU`,
  )
  judge(`objects: cost of a hit, ${scale.objects} / ${few}`, small.byCpu / large.byCpu, {
    floor: 1.15,
    goal: 1,
    is: 'at most',
  })
  if (flagOf('cache.disk') !== undefined) sluice = await startAgain(origin, sluice, scale)
  else tell('objects: a start with them on disk', 'not measured', 'this version has no disk tier')
  await sluice.close()
}

/** Each name once. */
async function fill(sluice, { from, to }) {
  const viewers = await connectAll(sluice.http, 64)
  let at = from
  const go = async viewer => {
    while (at < to) await viewer.get(`/open/100b-${at++}.m4s`)
    viewer.close()
  }
  await Promise.all(viewers.map(go))
}

async function measure(programs, sluice, { count, folder, scale }) {
  const script = path.join(folder, 'random.lua')
  writeFileSync(
    script,
    `math.randomseed(7)
function request() return wrk.format("GET", "/open/100b-" .. math.random(0, ${count - 1}) .. ".m4s") end
`,
  )
  const round = seconds => costed(sluice.pids, () => wrk(programs, sluice.http, { seconds, script }))
  await round(scale.warm)
  const rounds = []
  for (let at = 0; at < scale.rounds; at++) rounds.push(await round(scale.seconds))
  return { rate: median(rounds.map(({ rate }) => rate)), byCpu: median(rounds.map(({ byCpu }) => byCpu)) }
}

async function startAgain(origin, before, scale) {
  const empty = await startSluice(origin, SETTINGS)
  await empty.close()
  await before.close()
  await origin.counts()
  const sluice = await startSluice(origin, SETTINGS, before.data)
  const viewer = await Viewer.connect(sluice.http)
  const times = []
  for (let at = 0; at < 1_000; at++) {
    const name = Math.floor((at / 1_000) * scale.objects)
    const began = performance.now()
    const { last } = await viewer.get(`/open/100b-${name}.m4s`)
    times.push(last - began)
  }
  viewer.close()
  const fetched = [...(await origin.counts()).values()].reduce((sum, count) => sum + count, 0)
  tell(
    `start with ${scale.objects} objects on disk, all roles ready`,
    sluice.startedIn,
    `ms; with none ${Math.round(empty.startedIn)}`,
  )
  judge('start with them: longer than without', sluice.startedIn - empty.startedIn, {
    floor: 2_000,
    is: 'at most',
    unit: 'ms',
  })
  tell('start with them: 1,000 of them asked for, p50', median(times), `ms; ${fetched} asked of the origin`)
  return sluice
}
