// Memory over a million requests, half of them open and half gated, all of them hits.
import { memoryOf } from '../processes.mjs'
import { median } from '../running.mjs'
import { judge, tell } from './figures.mjs'
import { requests } from './load.mjs'

const SAMPLES = 10

export async function growth({ scale, programs, sluice }) {
  const [pid] = sluice.pids
  const sample = async () => {
    const half = Math.round(scale.growth / SAMPLES / 2)
    await requests(programs, `${sluice.http}/open/2k-growth.m3u8`, { count: half })
    await requests(programs, `${sluice.http}/members/2k-growth.m3u8`, { count: half, cookie: sluice.cookie })
    return memoryOf(pid)
  }
  await sample()
  await sample()
  const samples = []
  for (let at = 0; at < SAMPLES; at++) samples.push(await sample())
  const [early, late] = [median(samples.slice(0, 4)), median(samples.slice(-4))]
  tell(
    `${scale.growth} requests: resident memory, a sample each tenth`,
    samples.map(Math.round).join(' '),
    'MiB',
  )
  judge(`${scale.growth} requests: memory of the last four samples / the first four`, late / early, {
    floor: 1.05,
    is: 'at most',
  })
}
