import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { FlvReader, type FlvTag } from '../../src/cmaf/index.ts'
import { HAND_OVER, HAND_OVER_PATH, HAND_OVER_TYPE } from '../../src/membership/index.ts'
import { nameOf } from './tags.ts'

/** What one POST brought. */
export interface Taken {
  fields: IncomingHttpHeaders
  tags: FlvTag[]
  /** Chunks of the body; the gateway makes one with each write. */
  chunks: number
  state: 'open' | 'ended' | 'lost'
  /** Writes a line of the answer. */
  say(line: object): void
  /** Breaks the connection as a dying origin does. */
  break(): void
}

const EVERY_MS = 20

/** An origin that speaks the hand-over over a real socket and muxes nothing. */
export class FakeOrigin {
  readonly taken: Taken[] = []
  /** `hold` reads and says that it has taken nothing; `stuck` does not even read. */
  mode: 'take' | 'hold' | 'stuck' = 'take'
  /** The status of its answer, and the broadcast of a 200. */
  answer: (fields: IncomingHttpHeaders) => number | Promise<number> = () => 200
  broadcast = 'bfirst'
  #server: Server | undefined
  #port = 0
  readonly #sockets = new Set<Socket>()

  static async start(): Promise<FakeOrigin> {
    const origin = new FakeOrigin()
    await origin.start()
    return origin
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get last(): Taken {
    return this.taken.at(-1) as Taken // asked for when there is one
  }

  /** On the port of the last time. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      if (request.url !== HAND_OVER_PATH || request.headers['content-type'] !== HAND_OVER_TYPE) {
        response.writeHead(400).end()
        return
      }
      let bytes = 0
      const reader = new FlvReader()
      const taken: Taken = {
        fields: request.headers,
        tags: [],
        chunks: 0,
        state: 'open',
        say: line => response.write(`${JSON.stringify(line)}\n`),
        break: () => request.socket.destroy(),
      }
      void Promise.resolve(this.answer(request.headers)).then(status => {
        if (status !== 200) return response.writeHead(status).end()
        this.taken.push(taken)
        response.writeHead(200, { [HAND_OVER.broadcast]: this.broadcast })
        response.flushHeaders()
        const timer = setInterval(() => {
          if (this.mode === 'take') taken.say({ taken: bytes })
          if (this.mode !== 'stuck') request.resume()
        }, EVERY_MS)
        request.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          taken.chunks++
          taken.tags.push(...reader.push(chunk))
          if (this.mode === 'stuck') request.pause()
        })
        request.on('end', () => {
          taken.state = 'ended'
          response.end()
        })
        request.on('close', () => {
          clearInterval(timer)
          if (taken.state === 'open') taken.state = 'lost'
        })
        request.on('error', () => {})
        return undefined
      })
    })
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server = server
    await new Promise<void>(resolve => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port // it listens on TCP
  }

  /** As SIGKILL: every connection breaks and the port refuses. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed
  }
}

export function names({ tags }: Taken): string[] {
  return tags.map(nameOf)
}
