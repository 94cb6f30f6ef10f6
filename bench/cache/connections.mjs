// What a connection takes of a server's memory: idle after one playlist, and with a segment under way that nobody reads.
import { setTimeout as pause } from 'node:timers/promises'
import { memoryOf } from '../processes.mjs'
import { tell } from './figures.mjs'
import { connectAll } from './viewers.mjs'

export async function connections({ scale, start }) {
  for (const scheme of ['http', 'https'])
    for (const count of scale.connections)
      for (const state of ['idle', 'busy'])
        for (const name of scheme === 'http' ? ['sluice', 'nginx', 'varnish'] : ['sluice', 'nginx']) {
          // Fresh ones, since what was taken for one load is not given back before the next.
          const server = await start[name]?.()
          if (server === undefined) continue
          const kibibytes = await measure(server, server[scheme], { count, state })
          tell(`${count} ${state} connections, ${scheme}: ${server.name}`, kibibytes, 'KiB each')
          await server.close()
        }
}

async function measure(server, site, { count, state }) {
  const resident = () => server.pids.reduce((sum, pid) => sum + memoryOf(pid), 0)
  const target = state === 'busy' ? '/open/2m-busy.m4s' : '/open/2k-idle.m3u8'
  const warm = await connectAll(site, 20)
  for (let round = 0; round < 5; round++) await Promise.all(warm.map(viewer => viewer.get(target)))
  for (const viewer of warm) viewer.close()
  await pause(500)
  const before = resident()
  const viewers = await connectAll(site, count)
  // In small groups, so that what is measured is connections and not a burst of requests.
  for (let at = 0; at < count; at += 50) {
    const group = viewers.slice(at, at + 50)
    if (state === 'idle') await Promise.all(group.map(viewer => viewer.get(target)))
    else {
      for (const viewer of group) {
        viewer.get(target).catch(() => {})
        viewer.pause()
      }
      await pause(5)
    }
  }
  await pause(1_500)
  const after = resident()
  for (const viewer of viewers) viewer.close()
  return ((after - before) * 1024) / count
}
