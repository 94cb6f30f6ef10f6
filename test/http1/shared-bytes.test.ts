import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect as connectPlain, createServer as createPlain, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTls } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { Departures, KiB, pause } from '../../src/core/index.ts'
import { Http1Reader } from '../../src/http1/index.ts'
import { freshFolder } from '../app/folder.ts'
import { makePair } from '../inbound/pairs.ts'

/** Such that each byte of an answer tells whose it is, and that many of them fill the system's buffers. */
function bodyOf(name: string): Buffer {
  return Buffer.alloc(12_000, `${name}.`)
}

const SMALL = 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n'
const TINY = Buffer.alloc(400)
/** Requests of all connections. */
let taken = 0

function take(socket: Socket): void {
  const reader = new Http1Reader({
    departures: new Departures(() => {}),
    onRequest: (request, answer) => {
      taken++
      const body = request.url === '/small' ? TINY : bodyOf(request.url)
      answer.writeHeadPrepared(200, FIXED, ['X-Name', request.url, 'Content-Length', String(body.length)])
      answer.end(body)
    },
    handOver: taken => void taken.destroy(),
    leaving: () => false,
    ...{ idle: 65_000, stalled: 75_000, longestHead: 20_480 },
  })
  reader.open(socket)
}

const FIXED = ['Content-Type', 'video/mp4']

async function plain(): Promise<() => Socket> {
  const server = createPlain({ allowHalfOpen: true }, take).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // listening on TCP
  return () => connectPlain(port, '127.0.0.1')
}

async function encrypted(): Promise<() => Socket> {
  const pair = await makePair(freshFolder(), 'own', ['localhost'])
  const ca = readFileSync(pair.certificateFile)
  const server = createTls({ cert: ca, key: readFileSync(pair.keyFile), allowHalfOpen: true }, take)
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // listening on TCP
  return () => connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
}

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void // there by that flag

// The first, since what others let go of would count.
test.each([
  ['over TCP', plain],
  ['over TLS', encrypted],
])(
  '%s small answers that wait keep what they are long, not each the bytes that many share',
  async (_, serve) => {
    const dial = await serve()
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = dial()
        onTestFinished(() => void socket.destroy())
        await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect')
        return socket
      }),
    )
    gc()
    const before = process.memoryUsage().arrayBuffers
    const answered = taken
    for (const socket of sockets) for (let n = 0; n < 10; n++) socket.write(SMALL.repeat(1_000))
    for (let last = -1; last !== taken;) {
      last = taken
      await pause(500)
    }
    expect(taken - answered).toBeGreaterThan(5_000)
    const each = (): number => {
      gc()
      return (process.memoryUsage().arrayBuffers - before) / sockets.length
    }
    // Nobody reads, so what is kept stays; where the machine is busy, what is on its way goes later.
    await expect.poll(each, { timeout: 20_000, interval: 200 }).toBeLessThan(300 * KiB)
  },
)

const EACH = 900
/** As long as any date. */
const NOW = 'Date: now'.padEnd(35, '.')

/** Asks for a lot without reading; `read` then tells all that comes. */
async function ask(dial: () => Socket, name: string): Promise<{ read: () => Promise<string> }> {
  const socket = dial()
  onTestFinished(() => void socket.destroy())
  socket.setNoDelay(true)
  await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect')
  const paths = Array.from({ length: EACH }, (_, n) => `/${name}-${n}`)
  for (const path of paths) socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return {
    async read() {
      const bytes: Buffer[] = []
      const whole = expected(name).length
      let length = 0
      const chunks = socket as AsyncIterable<Buffer> // no encoding was set
      for await (const chunk of chunks) {
        bytes.push(chunk)
        length += chunk.length
        if (length >= whole) break
      }
      return Buffer.concat(bytes).toString('latin1')
    },
  }
}

function expected(name: string): string {
  const answers = Array.from({ length: EACH }, (_, n) => {
    const own = `X-Name: /${name}-${n}\r\nContent-Length: 12000\r\n${NOW}\r\n`
    const kept = 'Connection: keep-alive\r\nKeep-Alive: timeout=65\r\n\r\n'
    return `HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n${own}${kept}${bodyOf(`/${name}-${n}`).toString()}`
  })
  return answers.join('')
}

test.each([
  ['over TCP', plain],
  ['over TLS', encrypted],
])(
  '%s nobody is sent what was put together for others, however long his own has to wait',
  async (_, serve) => {
    const dial = await serve()
    const names = ['a', 'b', 'c', 'd']
    const asked = await Promise.all(names.map(name => ask(dial, name)))
    // Those who read at once are answered while the others' bytes wait.
    for (const name of ['e', 'f']) {
      const quick = await ask(dial, name)
      expect(dated(await quick.read()) === expected(name)).toBe(true)
    }
    for (const [at, { read }] of asked.entries()) {
      const text = dated(await read())
      expect(text.length).toBe(expected(names[at] ?? '').length)
      expect(text === expected(names[at] ?? '')).toBe(true)
    }
  },
)

function dated(text: string): string {
  return text.replaceAll(/Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, NOW)
}
