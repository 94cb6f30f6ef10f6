import { createHash } from 'node:crypto'
import {
  Agent,
  get as httpGet,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { connect } from 'node:net'
import { pause } from '../../src/core/index.ts'

export interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Of this size and its own for each path and version. */
export function bytesOf(name: string, size: number): Buffer {
  const block = createHash('sha512').update(name).digest()
  return Buffer.alloc(size, block)
}

const CONTROLS = [
  ['/mine', 'no-store'],
  ['/each', 'no-cache'],
] as const

/** Holds its answers back until the test lets it go. */
export class Site {
  version = 1
  /** Everything, not only what says so. */
  holds = false
  sequence = 1_000
  readonly held: (() => void)[] = []

  readonly answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '', 'http://site')
    if (url.pathname.startsWith('/live/')) return this.#answerLive(response)
    if (request.method === 'PUT') {
      this.version++
      return void response.writeHead(204).end()
    }
    if (url.pathname.startsWith('/none/')) return void response.writeHead(404).end('raw 404')
    if (url.pathname.startsWith('/gone/')) return void response.writeHead(410).end('raw 410')
    const size = Number(url.searchParams.get('size') ?? 2_000)
    const body = bytesOf(`${url.pathname} ${this.version}`, size)
    const control = CONTROLS.find(([start]) => url.pathname.startsWith(start))?.[1] ?? 'max-age=600'
    const head = {
      'Accept-Ranges': 'bytes',
      'Content-Length': size,
      ETag: `"${url.pathname}-${this.version}-${size}"`,
      'Cache-Control': control,
      ...(url.searchParams.has('age') && { Age: url.searchParams.get('age') ?? '' }),
    }
    const etag = head.ETag
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { ETag: etag }).end()
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const send = (): void => {
      if (range) {
        const [first, last] = [Number(range[1]), Math.min(size - 1, Number(range[2] || size - 1))]
        const part = { 'Content-Range': `bytes ${first}-${last}/${size}`, 'Content-Length': last - first + 1 }
        response.writeHead(206, { ...head, ...part }).end(body.subarray(first, last + 1))
      } else if (url.searchParams.has('half')) {
        response.writeHead(200, head).write(body.subarray(0, size / 2))
        this.held.push(() => response.end(body.subarray(size / 2)))
      } else response.writeHead(200, head).end(body)
    }
    if (this.holds || url.searchParams.has('hold')) this.held.push(send)
    else send()
  }

  /** Another version each time that it is asked for, good for 20 ms. */
  #answerLive(response: ServerResponse): void {
    const at = ++this.sequence
    const head = {
      'Cache-Control': 'no-cache',
      'Sluice-Cache-Control': 'max-age-ms=20',
      'Sluice-Age-Ms': '0',
    }
    const text = `#EXTM3U\n#EXTINF:2,\n${at}.m4s\n`
    response
      .writeHead(200, { ...head, ETag: `"${at}"`, 'Sluice-Live': `${at}.0;target=2;part=0.2` })
      .end(text)
  }

  release(): void {
    this.holds = false
    for (const send of this.held.splice(0)) send()
  }
}

export interface GetOptions {
  agent?: Agent
  headers?: Record<string, string>
  method?: string
  /** Of the answer; 16 KiB when left out. */
  maxHeaderSize?: number
}

/** On a connection of its own, unless an agent keeps one. Rejects when the answer is cut. */
export function getWhole(url: string, options: GetOptions = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { agent: false, ...options }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      )
    })
    request.on('error', reject)
  })
}

/** The process that answered: its request ids begin alike. */
export function runOf({ headers }: Pick<Got, 'headers'>): string {
  return String(headers['x-sluice-id']).slice(0, 8)
}

/** So many kept connections to each of so many workers; those of one stand together. */
export async function connectionsTo(url: string, workers: number, each: number): Promise<Agent[]> {
  const found = new Map<string, Agent[]>()
  for (let tries = 0; tries < 2_000; tries++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const run = runOf(await getWhole(url, { agent }))
    const those = found.get(run) ?? []
    if (those.length === each) agent.destroy()
    else found.set(run, [...those, agent])
    if (found.size === workers && [...found.values()].every(({ length }) => length === each))
      return [...found.values()].flat()
  }
  throw new Error(`connections reach ${found.size} of ${workers} workers`)
}

export type Outcome = { kind: 'whole'; at: string; body: Buffer } | { kind: 'broken'; at: string }

/** A transfer over a kept connection, and how much of it has come. */
export function arriving(
  base: string,
  at: string,
  agent: Agent,
): { bytes: () => number; outcome: Promise<Outcome> } {
  const chunks: Buffer[] = []
  let size = 0
  const outcome = new Promise<Outcome>(resolve => {
    const broken = (): void => resolve({ kind: 'broken', at })
    httpGet(`${base}${at}`, { agent }, response => {
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
      })
      response.on('error', broken)
      response.on('end', () => resolve({ kind: 'whole', at, body: Buffer.concat(chunks) }))
    }).on('error', broken)
  })
  return { bytes: () => size, outcome }
}

/** The port is closed. */
export async function nobodyIsLetIn(url: string): Promise<void> {
  const refused = (): Promise<boolean> =>
    new Promise(resolve => {
      const { port } = new URL(url)
      const socket = connect(Number(port), '127.0.0.1')
      socket.once('connect', () => (socket.destroy(), resolve(false)))
      socket.once('error', () => resolve(true))
    })
  while (!(await refused())) await pause(5)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
