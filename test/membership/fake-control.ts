import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Snapshot } from '../../src/distribution/index.ts'

export interface Heard {
  url: string
  headers: IncomingHttpHeaders
  body: unknown
}

export interface Said {
  status: number
  /** Bytes as they are, anything else as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

/** A control that says what a test wants; each request is answered by `answer`, which may wait. */
export class FakeControl {
  readonly heard: Heard[] = []
  answer: (heard: Heard) => Said | Promise<Said> = () => ({ status: 503 })
  /** Stays what it is when this is closed. */
  readonly url: string
  readonly #server: Server

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async start(port = 0): Promise<FakeControl> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    const { port: taken } = server.address() as AddressInfo // it listens on TCP
    const control = new FakeControl(server, `http://127.0.0.1:${taken}`)
    server.on('request', (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const heard = {
          url: request.url ?? '',
          headers: request.headers,
          body: text === '' ? undefined : (JSON.parse(text) as unknown),
        }
        control.heard.push(heard)
        void Promise.resolve(control.answer(heard)).then(({ status, body, headers }) => {
          response.writeHead(status, headers)
          response.end(Buffer.isBuffer(body) || body === undefined ? body : JSON.stringify(body))
        })
      })
    })
    return control
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

export function snapshotOf(version: number, over: Partial<Snapshot> = {}): Snapshot {
  return {
    version,
    distributions: [],
    fallbackDistribution: null,
    keyGroups: [],
    issuers: [],
    originAccess: [],
    nodes: [],
    channels: [],
    sequence: 0,
    invalidations: [],
    ...over,
  }
}

/** Looks until it is so; the deadline is for a broken build, not for luck. */
export async function until(what: string, look: () => boolean, deadlineMs = 20_000): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!look()) {
    if (Date.now() > end) throw new Error(`never became true: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
