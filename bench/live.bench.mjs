// Live from the encoder to the viewer: glass to glass in a browser, the way of a part to the origin and what each channel
// costs, an edge with many viewers; nginx-rtmp's HLS beside it where this machine has it. Under six minutes.
// ONLY=glass,capacity,edge runs some of it; CHANNELS=1,10 and VIEWERS=100 change the load; SOAK_MINUTES=20 soaks instead.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { measureCapacity, measureNginx } from './live-capacity.mjs'
import { makeEncoded } from './live-load.mjs'
import { report, temporaryFolder } from './running.mjs'

const numbers = (name, preset) => (process.env[name] ?? preset).split(',').map(Number)
const only = process.env.ONLY?.split(',')
const wanted = section => only === undefined || only.includes(section)

// What is stopped from outside takes its children along, which go with `exit`.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

const folder = temporaryFolder()
const film = path.join(folder, 'film.flv')
const minutes = Number(process.env.SOAK_MINUTES ?? 0)
if (minutes > 0) {
  makeEncoded(film)
  const { soak } = await import('./live-soak.mjs')
  await soak(folder, film, minutes)
  process.exit(0)
}
if (wanted('glass')) {
  const { measureGlass } = await import('./live-glass.mjs')
  await measureGlass(folder)
}
if (wanted('capacity')) {
  makeEncoded(film)
  await measureCapacity(folder, film, numbers('CHANNELS', '1,10,30'))
  await measureNginx(film, 10)
}
if (wanted('edge')) for (const viewers of numbers('VIEWERS', '100,500')) await edge(viewers)
process.exit(0)

/** Another bench, whose lines become this one's. */
async function edge(viewers) {
  const file = fileURLToPath(new URL('live-edge.bench.mjs', import.meta.url))
  const env = { ...process.env, VIEWERS: String(viewers) }
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = () => child.kill('SIGTERM')
  process.on('exit', kill)
  let text = ''
  child.stdout.on('data', data => (text += data))
  const code = await new Promise(resolve => child.once('close', resolve))
  process.off('exit', kill)
  if (code !== 0) throw new Error(`live-edge.bench.mjs ended with ${code}`)
  for (const line of text.trimEnd().split('\n')) {
    const [name, figure, unit] = line.split('\t')
    report(`${viewers} viewers: ${name}`, Number(figure), unit)
  }
}
