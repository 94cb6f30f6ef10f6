// What a small function at viewer-request adds to hits of a real edge, at 1,000 requests a second over connections that are
// kept open: in alternating rounds with and without it. ROUNDS=7 and SECONDS=4 change the load. Who asks shares the
// machine with the edge, so that he writes and reads bare bytes: Node's own client takes more than the edge does.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
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

const ROUNDS = Number(process.env.ROUNDS ?? 7)
const SECONDS = Number(process.env.SECONDS ?? 4)
const RATE = 1000
const CONNECTIONS = 256

/** Of the size and kind that is usual: it completes a URI and sets a header. */
const SMALL = `function handler(event) {
  var request = event.request
  if (request.uri.endsWith('/')) request.uri += 'index.html'
  request.headers['x-seen'] = { value: request.headers.host.value }
  return request
}`

const folder = temporaryFolder()
const body = Buffer.alloc(2048, 'x')
const site = createServer((asked, answer) => {
  answer.writeHead(200, { 'Cache-Control': 'max-age=1000', 'Content-Length': body.length })
  answer.end(body)
})
await new Promise(resolve => site.listen(0, '127.0.0.1', resolve))

const data = path.join(folder, 'data')
const sluice = await startReady(process.execPath, [
  ...[COMMAND, 'up', '--json', '--no-sample', ...FREE_PORTS, '--data', data, '--allow-origin', '127.0.0.0/8'],
])
const write = (name, text) => {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}
cli(data, 'functions', 'create', 'small', write('small.js', SMALL), '--runtime', 'cloudfront-js-2.0')
cli(data, 'functions', 'publish', 'small')
const definition = {
  origins: [{ id: 'site', kind: 'http', url: `http://127.0.0.1:${site.address().port}` }],
  behaviours: [
    { pattern: '/with/*', functions: [{ event: 'viewer-request', function: 'small' }] },
    { pattern: '*' },
  ],
}
const { domain } = cli(
  data,
  'distribution',
  'create',
  '--file',
  write('site.json', JSON.stringify(definition)),
)

const { port } = new URL(sluice.ready.http)

/** A connection that is kept open, for one request at a time. */
async function open() {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  let told
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', data => {
    text += data
    const head = text.indexOf('\r\n\r\n')
    if (head < 0 || text.length < head + 4 + body.length) return
    const whole = text
    text = ''
    told(whole)
  })
  const ask = lines => new Promise(resolve => ((told = resolve), socket.write(lines, 'latin1')))
  return { ask, end: () => socket.destroy() }
}

const idle = await Promise.all(Array.from({ length: CONNECTIONS }, open))

async function hit(target) {
  const began = performance.now()
  const connection = idle.pop()
  if (connection === undefined) throw new Error(`${CONNECTIONS} requests are under way: the edge is too slow`)
  const answer = await connection.ask(`GET ${target} HTTP/1.1\r\nHost: ${domain}\r\n\r\n`)
  const took = performance.now() - began
  idle.push(connection)
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`${target} was ${answer.slice(0, 200)}`)
  return took
}

/** Requests as they come: each begins when it is due, whatever the others do. */
async function round(target) {
  const under = []
  const began = performance.now()
  for (let sent = 0; sent < SECONDS * RATE;) {
    await new Promise(resolve => setTimeout(resolve, 1))
    const due = Math.min(SECONDS * RATE, Math.floor(((performance.now() - began) / 1000) * RATE))
    for (; sent < due; sent++) under.push(hit(target))
  }
  const times = await Promise.all(under)
  return { p50: median(times), p99: quantile(times, 0.99) }
}

const TARGETS = { without: '/without/a', with: '/with/a' }
for (const target of Object.values(TARGETS)) await round(target) // until V8 has compiled what runs
const rounds = { without: [], with: [] }
for (let at = 0; at < ROUNDS; at++)
  for (const [way, target] of Object.entries(TARGETS)) rounds[way].push(await round(target))
const of = (way, figure) => median(rounds[way].map(each => each[figure]))
const added = figure => median(rounds.with.map((each, at) => each[figure] - rounds.without[at][figure]))
report(
  `a hit at ${RATE} a second, without a function`,
  of('without', 'p50'),
  `ms at p50; ${of('without', 'p99').toFixed(2)} at p99`,
)
report(
  'the same with a small function at viewer-request',
  of('with', 'p50'),
  `ms at p50; ${of('with', 'p99').toFixed(2)} at p99`,
)
report(
  'the function adds (at most 0.3, goal 0.1)',
  added('p50'),
  `ms at p50; ${added('p99').toFixed(2)} at p99`,
)
await down(sluice)
site.close()
for (const connection of idle) connection.end()
