import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { codeOf, SluiceError, type Listen, type Milliseconds } from '../core/index.ts'
import { plainAddress, type ConnectionCount } from '../inbound/index.ts'
import type { Answerer } from '../routing/index.ts'

export interface DnsServerOptions {
  listen: Listen
  answerer: Pick<Answerer, 'answer'>
  /** Of connections over TCP. */
  count: ConnectionCount
  /** A connection that asks nothing for so long is closed (RFC 7766 §6.2.3). */
  idle?: Milliseconds
}

export interface DnsServer {
  port: number
  close(): Promise<void>
}

const IDLE: Milliseconds = 10_000
/** No question of anybody is as long. */
const LONGEST_QUESTION = 4096
/** What a kernel keeps while we do something else: some thousand questions. */
const RECEIVE_BUFFER = 4 * 1024 * 1024

/** A name server over UDP and TCP at one port. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const tcp = await listenTcp(options)
  const address = tcp.server.address()
  const port = typeof address === 'object' && address ? address.port : options.listen.port
  const udp = await listenUdp(options, port).catch(async (error: unknown) => {
    await tcp.close()
    throw error
  })
  return {
    port,
    async close() {
      await Promise.all([tcp.close(), new Promise<void>(resolve => udp.close(() => resolve()))])
    },
  }
}

async function listenUdp({ listen, answerer }: DnsServerOptions, port: number): Promise<UdpSocket> {
  const host = listen.host ?? '::'
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    recvBufferSize: RECEIVE_BUFFER,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', error => reject(taken(port, codeOf(error))))
    socket.bind({ address: host, port }, resolve)
  })
  socket.removeAllListeners('error')
  // What could not be sent to one is no trouble of the others.
  socket.on('error', () => {})
  socket.on('message', (message, from) => {
    // A sender that is forged may have a port to which nothing can be sent (RFC 768), and `send` throws of it.
    if (from.port === 0) return
    const answer = answerer.answer(message, plainAddress(from.address), 'udp')
    // Nobody waits for it; who lost it asks again.
    if (answer !== undefined) socket.send(answer, from.port, from.address, ignore)
  })
  return socket
}

function ignore(): void {}

function taken(port: number, code: string | undefined): SluiceError {
  return new SluiceError(
    'port-taken',
    `Nothing can listen on port ${port} over UDP (${code ?? 'for an unknown reason'}): choose another with --dns.`,
    { side: 'operator' },
  )
}

async function listenTcp(options: DnsServerOptions): Promise<{ server: Server; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const leave = options.count.admit(plainAddress(socket.remoteAddress ?? ''))
    socket.on('error', ignore)
    if (!leave) return void socket.destroy()
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      leave()
    })
    answerOn(socket, options)
  })
  const { host = '::', port } = options.listen
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    server,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

/** Each question has its length before it, and so has each answer (RFC 1035 §4.2.2). */
function answerOn(socket: Socket, { answerer, idle = IDLE }: DnsServerOptions): void {
  const from = plainAddress(socket.remoteAddress ?? '')
  let kept: Buffer = Buffer.alloc(0)
  socket.setTimeout(idle, () => socket.destroy())
  socket.on('drain', () => socket.resume())
  socket.on('data', (chunk: Buffer) => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
    while (kept.length >= 2) {
      const length = kept.readUInt16BE(0)
      if (length > LONGEST_QUESTION) return void socket.destroy()
      if (kept.length < 2 + length) return
      const answer = answerer.answer(kept.subarray(2, 2 + length), from, 'tcp')
      kept = kept.subarray(2 + length)
      if (answer === undefined) return void socket.destroy()
      const head = Buffer.alloc(2)
      head.writeUInt16BE(answer.length, 0)
      // Whoever asks and does not listen is not answered on and on.
      if (!socket.write(Buffer.concat([head, answer]))) socket.pause()
    }
  })
}
