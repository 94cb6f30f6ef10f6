// One edge against nginx and Varnish, each on one core before the same origin, asked for the same by the same client on
// another core, in alternating rounds. `--only PART[,PART]` picks parts, `--quick` shortens all, `--json FILE` keeps
// the figures. A machine that is busy with other things gives no figures that mean anything.
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import tls from 'node:tls'
import { parseArgs } from 'node:util'
import { connections } from './cache/connections.mjs'
import { CLIENT, pin } from './cache/cores.mjs'
import { crowd } from './cache/crowd.mjs'
import { summary, tell } from './cache/figures.mjs'
import { growth } from './cache/growth.mjs'
import { latency } from './cache/latency.mjs'
import { misses } from './cache/misses.mjs'
import { objects } from './cache/objects.mjs'
import { startOrigin } from './cache/origin.mjs'
import { startNginx, startVarnish } from './cache/peers.mjs'
import { findPrograms, versions } from './cache/programs.mjs'
import { startSluice } from './cache/sluice.mjs'
import { throughput } from './cache/throughput.mjs'
import { zipf } from './cache/zipf.mjs'
import { machine } from './running.mjs'

const PARTS = {
  plain: bench => throughput({ ...bench, mode: 'plain' }),
  https: bench => throughput({ ...bench, mode: 'https' }),
  h2: bench => throughput({ ...bench, mode: 'h2' }),
  ...{ latency, crowd, misses, growth, connections, zipf, objects },
}

const SCALES = {
  full: {
    ...{ rounds: 5, seconds: 2, warm: 1, fill: 15, crowd: 1000, misses: 500 },
    ...{ growth: 1_000_000, connections: [1000, 10_000], objects: 1_000_000 },
  },
  quick: {
    ...{ rounds: 1, seconds: 1, warm: 1, fill: 2, crowd: 100, misses: 50 },
    ...{ growth: 20_000, connections: [100], objects: 10_000 },
  },
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(PARTS).join(',') },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
const parts = values.only.split(',')
const strange = parts.find(part => PARTS[part] === undefined)
if (strange !== undefined) {
  console.error(`There is no part "${strange}": name some of ${Object.keys(PARTS).join(', ')}.`)
  process.exit(2)
}
// What is stopped from outside takes its children along, which go with `exit`.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))

const programs = findPrograms()
const needed = ['wrk', 'h2load', 'nginx', 'taskset'].filter(name => programs[name] === undefined)
if (needed.length > 0 || os.platform() !== 'linux') {
  console.error(`The cache is not compared here: it needs Linux and ${needed.join(', ') || 'its /proc'}.`)
  process.exit(1)
}
if (programs.varnishd === undefined) tell('Varnish', 'not compared', 'varnishd cannot be installed here')

tell('machine', machine(), `${new Date().toISOString()}; ${versions(programs)}`)
pin(process.pid, CLIENT)
const scale = SCALES[values.quick ? 'quick' : 'full']
const origin = await startOrigin()
const start = {
  sluice: () => startSluice(origin, { 'cache.memory': '1GiB' }),
  nginx: () => startNginx(programs, origin, certificates),
  ...(programs.varnishd && { varnish: () => startVarnish(programs, origin) }),
}
const sluice = await start.sluice()
const certificates = {
  certificate: path.join(sluice.certificates, 'local.pem'),
  key: path.join(sluice.certificates, 'local.key.pem'),
}
const nginx = await start.nginx()
const varnish = await start.varnish?.()
tell('TLS', await spoken(sluice), `sluice; nginx: ${await spoken(nginx)}`)

for (const part of parts) {
  process.stderr.write(`${part}\n`)
  await PARTS[part]({ scale, programs, origin, sluice, nginx, varnish, start, certificates })
}
await Promise.all([sluice, nginx, varnish].map(each => each?.close()))
origin.close()

const { figures, judged, missed, held } = summary()
tell(
  'floors',
  `${held} of ${judged.length}`,
  missed.length === 0 ? 'hold' : `hold; missed: ${missed.map(({ name }) => name).join('; ')}`,
)
if (values.json !== undefined) {
  const about = { date: new Date().toISOString(), machine: machine(), versions: versions(programs), scale }
  writeFileSync(values.json, `${JSON.stringify({ ...about, figures, judged }, undefined, 2)}\n`)
}
process.exit(0)

/** Protocol and cipher that a client and the server agree on. */
function spoken({ https }) {
  const { hostname, port } = new URL(https)
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: hostname, port, rejectUnauthorized: false }, () => {
      resolve(`${socket.getProtocol()}, ${socket.getCipher().standardName}`)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}
