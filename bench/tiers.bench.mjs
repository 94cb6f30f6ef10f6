// What a regional cache adds to the time until the first byte, over TLS between edge and regional cache, on this machine: one
// request after the other, each of an object that the edge has never been asked for, in alternating blocks.
import { writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { hostname, networkInterfaces } from 'node:os'
import path from 'node:path'
import {
  cli,
  COMMAND,
  down,
  FREE_PORTS,
  median,
  quantile,
  report,
  startReady,
  temporaryFolder,
} from './running.mjs'

const ROUNDS = 60
/** Of these, what V8 needs to have compiled what runs; until then a request costs twice as much. */
const WARM_UP = 20
const BLOCK = 50
const folder = temporaryFolder()
const [address] = Object.values(networkInterfaces())
  .flat()
  .filter(each => each && !each.internal && each.family === 'IPv4')
  .map(each => each.address)
if (address === undefined) throw new Error(`${hostname()} has no address that another machine would come to`)

const body = Buffer.alloc(2048, 'x')
const site = createServer((asked, response) => {
  response.writeHead(200, { 'Cache-Control': 'max-age=1000', 'Content-Length': body.length, ETag: '"a"' })
  response.end(body)
})
await new Promise(resolve => site.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${site.address().port}`

const data = path.join(folder, 'up')
const ports = FREE_PORTS.map((each, at) => (FREE_PORTS[at - 1] === '--control' ? `${address}:0` : each))
const up = await startReady(process.execPath, [
  ...[COMMAND, 'up', '--json', '--no-sample', ...ports, '--data', data, '--allow-origin', '127.0.0.0/8'],
])
const { token } = cli(data, 'nodes', 'token', '--role', 'regional', '--pop', 'bench')
const regional = await startReady(
  process.execPath,
  [
    ...[COMMAND, 'regional', '--json', '--data', path.join(folder, 'regional'), '--regional', `${address}:0`],
    ...['--admin', '127.0.0.1:0', '--allow-origin', '127.0.0.0/8'],
  ],
  { env: { ...process.env, SLUICE_JOIN: token } },
)
const file = path.join(folder, 'site.json')
const behaviours = [
  { pattern: '/tier/*', forward: [], cookies: 'none' },
  { pattern: '*', forward: 'all' },
]
writeFileSync(file, JSON.stringify({ origins: [{ id: 'site', kind: 'http', url }], behaviours }))
const { domain } = cli(data, 'distribution', 'create', '--file', file)

function firstByte(target, port, headers) {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    request({ host: '127.0.0.1', port, path: target, headers, agent })
      .on('response', answer => {
        const took = performance.now() - began
        if (answer.statusCode !== 200) reject(new Error(`${target} was ${answer.statusCode}`))
        answer.resume().on('end', () => resolve(took))
      })
      .on('error', reject)
      .end()
  })
}
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
const edge = new URL(up.ready.http).port
const headers = { host: domain }
const times = { direct: [], cold: [] }
let named = 0
for (let round = 0; round < ROUNDS; round++) {
  for (const kind of ['direct', 'cold']) {
    const block = []
    for (let at = 0; at < BLOCK; at++) {
      const name = named++
      block.push(await firstByte(`/${kind === 'cold' ? 'tier' : 'direct'}/${name}`, edge, headers))
    }
    if (round >= WARM_UP) times[kind].push(...block)
  }
}
const metrics = await (await fetch(`${up.ready.admin}/metrics`)).text()
const answered = /sluice_regional_questions_total\{result="answered"[^}]*\} (\d+)/.exec(metrics)?.[1]
report('questions answered by the regional cache', Number(answered), '')
for (const kind of ['direct', 'cold'])
  report(
    kind === 'direct' ? 'first byte, edge and origin' : 'first byte, edge, regional cache and origin',
    median(times[kind]),
    `ms at p50; ${quantile(times[kind], 0.99).toFixed(2)} at p99`,
  )
report('a regional cache adds (at most 3, goal 1.5)', median(times.cold) - median(times.direct), 'ms')
await down(regional)
await down(up)
site.close()
agent.destroy()
