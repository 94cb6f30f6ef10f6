// How much of the machine each channel costs, and how soon after its last frame was written a part can be fetched,
// while other channels are published too.
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { assertRunning, makeChannels, publishAll } from './live-load.mjs'
import { measureParts } from './live-parts.mjs'
import { startNginx } from './nginx-rtmp.mjs'
import { cpuOf, memoryOf, roles, watchCpu } from './processes.mjs'
import { down, quantile, report, up } from './running.mjs'

/** Code is compiled and windows begin to drop what is old. */
const SETTLE_MS = 12_000
const MEASURE_MS = Number(process.env.MEASURE_SECONDS ?? 20) * 1000

/** With 1, 10 and 30 channels unless told otherwise; of each number the first channel is the one whose parts are timed. */
export async function measureCapacity(folder, film, counts) {
  for (const count of counts) await withChannels(path.join(folder, `data${count}`), film, count)
}

async function withChannels(data, film, count) {
  const running = await up(data, '--no-sample', '--log-level', 'error')
  const pids = roles(running.child.pid)
  const [idleGateway, idleOrigin] = [pids.gateway, pids.origin].map(memoryOf)
  const channels = await makeChannels(data, count)
  const parts = await measureParts({ data, origin: running.ready.origin, film, channel: channels[0] })
  const publishers = await publishAll(
    film,
    channels.slice(1).map(({ url }) => url),
  )
  await pause(SETTLE_MS)
  const before = await delays(running.ready.admin)
  parts.restart()
  const cpu = watchCpu([pids.gateway, pids.origin, pids.control])
  await pause(MEASURE_MS)
  const [gateway, origin, control] = cpu()
  const waits = parts.taken()
  const after = await delays(running.ready.admin)
  assertRunning(publishers)
  const name = `${count} channel${count === 1 ? '' : 's'}`
  report(`${name}: CPU of gateway + origin for each`, (gateway + origin) / count, '% of a core')
  report(`${name}: CPU of gateway / origin / control`, [gateway, origin, control].map(tenth).join(' / '), '%')
  const grown = memoryOf(pids.gateway) - idleGateway + memoryOf(pids.origin) - idleOrigin
  report(`${name}: memory of gateway + origin for each, above idle`, grown / count, 'MiB')
  report(
    `${name}: last frame of a part written → part fetched, p50 of ${waits.length}`,
    quantile(waits, 0.5),
    'ms',
  )
  report(`${name}: last frame of a part written → part fetched, p95`, quantile(waits, 0.95), 'ms')
  report(`${name}: the same seen by the origin, p95 (upper bound)`, bound(before, after, 0.95), 'ms')
  await parts.stop()
  await Promise.all(publishers.map(publisher => publisher.stop()))
  await down(running)
}

/** What nginx-rtmp takes for plain HLS of the same film. */
export async function measureNginx(film, count) {
  const nginx = await startNginx()
  if (!nginx) return report('nginx-rtmp', 'skipped: this machine has none', '')
  const urls = Array.from({ length: count }, (_, at) => `${nginx.rtmp}/c${at}`)
  const publishers = await publishAll(film, urls)
  await pause(SETTLE_MS)
  const cpu = watchCpu([nginx.pid])
  await pause(MEASURE_MS)
  const [share] = cpu()
  assertRunning(publishers)
  report(`nginx-rtmp, plain HLS, ${count} channels: CPU for each`, share / count, '% of a core')
  report(`nginx-rtmp, plain HLS, ${count} channels: memory for each`, memoryOf(nginx.pid) / count, 'MiB')
  const encoders = publishers.reduce((sum, { pid }) => sum + cpuOf(pid), 0)
  if (encoders === 0) throw new Error('The encoders did nothing.')
  await Promise.all(publishers.map(publisher => publisher.stop()))
  await nginx.close()
}

/** The cumulated buckets of the origin's own histogram: upper bound → count. */
async function delays(admin) {
  const text = await (await fetch(`${admin}/metrics`)).text()
  const lines = text.matchAll(/^sluice_origin_part_delay_ms_bucket\{(?:[^}]*,)?le="([^"]+)"[^}]*\} (\d+)/gm)
  return new Map([...lines].map(([, le, count]) => [le, Number(count)]))
}

function bound(before, after, share) {
  const counts = [...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)])
  const all = counts.at(-1)?.[1] ?? 0
  return Number(counts.find(([, count]) => count >= share * all)?.[0] ?? NaN)
}

function tenth(percent) {
  return percent.toFixed(1)
}
