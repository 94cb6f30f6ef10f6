// What a router's name server answers over UDP: a second, and in a second of one core's time. A process of its own answers,
// this one asks over 16 sockets with 32 questions under way on each. `again` are questions that were asked before; `new` have
// another spelling of the name and another client's network each time, so that nothing is prepared. SECONDS=5 changes the load.
import { fork } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { encode } from 'dns-packet'
import { Answerer, EdgeTable, siteOf } from '../dist/routing/index.js'
import { startDnsServer } from '../dist/router/dns-server.js'
import { ConnectionCount } from '../dist/inbound/index.js'
import { report } from './running.mjs'

const SECONDS = Number(process.env.SECONDS ?? 5)
const ZONE = { name: 'cdn.example', nameServers: [] }

if (process.send) await serve()
else await measure()

/** Thirty edges all over the world and a hundred distributions. */
async function serve() {
  const nodes = Array.from({ length: 30 }, (_, n) => ({
    ...{ id: `edge-${n}`, role: 'edge' },
    viewers: {
      ...{ addresses: [`192.0.2.${n + 1}`, `2001:db8::${n + 1}`], http: 80, https: 443 },
      location: { latitude: ((n * 37) % 140) - 70, longitude: ((n * 61) % 360) - 180 },
    },
  }))
  const distributions = Array.from({ length: 100 }, (_, n) => ({ id: `E${n}`, domain: `e${n}.cdn.example` }))
  const table = new EdgeTable()
  table.apply({ nodes })
  const site = { ...siteOf(ZONE.name, { version: 1, nodes, distributions }), edges: table.edges }
  const answerer = new Answerer({
    zone: ZONE,
    site: () => site,
    client: ([a = 0, b = 0]) => ({ location: { latitude: (a % 140) - 70, longitude: b - 128 } }),
    clock: { now: () => Date.now() },
    perSecond: 1_000_000,
  })
  const count = new ConnectionCount({ connections: 10, connectionsPerAddress: 10 })
  const { port } = await startDnsServer({ listen: { host: '127.0.0.1', port: 0 }, answerer, count })
  process.on('message', () => process.send({ cpu: process.cpuUsage() }))
  process.on('disconnect', () => process.exit(0))
  process.send({ port })
}

function said(child) {
  return new Promise(resolve => child.once('message', resolve))
}

async function cpuOf(child) {
  const answer = said(child)
  child.send('cpu')
  const { cpu } = await answer
  return (cpu.user + cpu.system) / 1e6
}

function question(n, isNew) {
  const plain = `e${n % 100}.cdn.example`
  const name = isNew
    ? [...plain].map((letter, at) => ((n >> (at % 16)) & 1 ? letter.toUpperCase() : letter)).join('')
    : plain
  const ip = isNew ? `${n % 223}.${(n >> 8) % 256}.${(n >> 16) % 256}.0` : '198.51.100.0'
  const options = [{ code: 8, family: 1, sourcePrefixLength: 24, ip }]
  const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, flags: 0, options }
  return encode({ type: 'query', id: n % 65_536, questions: [{ name, type: 'A' }], additionals: [opt] })
}

async function flood(port, isNew) {
  // Made before, so that the asking costs less than the answering.
  const messages = Array.from({ length: isNew ? 200_000 : 100 }, (_, n) => question(n * 7919, isNew))
  let at = 0
  let answers = 0
  const sockets = []
  for (let n = 0; n < 16; n++) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    const ask = () => socket.send(messages[at++ % messages.length], port, '127.0.0.1')
    socket.on('message', () => {
      answers++
      ask()
    })
    await new Promise(resolve => socket.bind(0, '127.0.0.1', resolve))
    for (let under = 0; under < 32; under++) ask()
    sockets.push(socket)
  }
  return { answers: () => answers, end: () => sockets.forEach(each => each.close()) }
}

async function measure() {
  for (const kind of ['again', 'new']) {
    const child = fork(process.argv[1], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const { port } = await said(child)
    const load = await flood(port, kind === 'new')
    await new Promise(resolve => setTimeout(resolve, 1000))
    const before = { answers: load.answers(), cpu: await cpuOf(child), at: performance.now() }
    await new Promise(resolve => setTimeout(resolve, SECONDS * 1000))
    const answers = load.answers() - before.answers
    const cpu = (await cpuOf(child)) - before.cpu
    const seconds = (performance.now() - before.at) / 1000
    load.end()
    child.disconnect()
    const perCore = Math.floor(answers / cpu)
    report(`DNS, questions ${kind}, answers`, Math.floor(answers / seconds), 'per second')
    report(`DNS, questions ${kind}, answers of one core (floor 10000, goal 30000)`, perCore, 'per second')
  }
}
