import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { readMedia, type Media } from './live.ts'

/** One way to ask an edge: a connection, and what the viewer sends with every request. */
export interface Line {
  get(path: string): Promise<{ status: number; body: Buffer }>
  close(): void
}

/** HTTP/1.1 without TLS, on one connection that stays. */
export function plainLine(origin: string, headers: Record<string, string>): Line {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  return {
    get: path => answerOf(http.get(new URL(path, origin), { agent, headers })),
    close: () => agent.destroy(),
  }
}

/** HTTP/1.1 over TLS. */
export function secureLine(origin: string, headers: Record<string, string>): Line {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  return {
    get: path => answerOf(https.get(new URL(path, origin), { agent, headers })),
    close: () => agent.destroy(),
  }
}

function answerOf(request: http.ClientRequest): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
  })
}

/** HTTP/2. */
export function multiplexedLine(origin: string, headers: Record<string, string>): Line {
  const session = http2.connect(origin, { rejectUnauthorized: false })
  session.on('error', () => {})
  return {
    get: path =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ...headers, ':path': path })
        const chunks: Buffer[] = []
        let status = 0
        stream.on('response', answer => (status = answer[':status'] ?? 0))
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('error', reject)
        stream.on('end', () => resolve({ status, body: Buffer.concat(chunks) }))
      }),
    close: () => session.close(),
  }
}

/** What a crowd of viewers has seen, all together. */
export class Tally {
  /** Paths of parts that were fetched. */
  readonly parts = new Set<string>()
  /** Questions to media playlists: path and query. */
  readonly questions = new Set<string>()
  /** Paths of segments that became whole. */
  readonly segments = new Set<string>()
  readonly troubles: string[] = []
  answers = 0
}

export interface ViewerOptions {
  line: Line
  /** Path of a media playlist. */
  playlist: string
  /** Whether it asks for deltas. */
  skip: 'YES' | undefined
  tally: Tally
  /** Aborts when it is to stop after what it has asked. */
  signal: AbortSignal
}

/** What asks for that which comes next in a playlist. */
function nextQuestion(playlist: Media): string {
  const last = playlist.segments.at(-1)
  if (!last) throw new Error(`nothing is listed:\n${playlist.text}`)
  const [sequence, part] =
    last.uri === undefined ? [last.sequence, last.parts.length] : [last.sequence + 1, 0]
  return `_HLS_msn=${sequence}&_HLS_part=${part}`
}

/** A viewer with low latency: asks for what comes next, is held, fetches each part that it has not seen; until told to stop. */
export async function watch(first: Media, options: ViewerOptions): Promise<void> {
  const { line, playlist, skip, tally, signal } = options
  const known = new Set(
    first.segments.flatMap(({ uri, parts }) => [uri ?? '', ...parts.map(part => part.uri)]),
  )
  let next = nextQuestion(first)
  const get = async (path: string): Promise<Buffer | undefined> => {
    const { status, body } = await line.get(path)
    tally.answers++
    if (status === 200) return body
    tally.troubles.push(`${status} ${path}`)
    return undefined
  }
  while (!signal.aborted) {
    const question = `${playlist}?${next}${skip === undefined ? '' : `&_HLS_skip=${skip}`}`
    tally.questions.add(question)
    const body = await get(question)
    if (!body) return
    const now = readMedia(body.toString())
    next = nextQuestion(now)
    const pathOf = (uri: string): string => new URL(uri, `http://viewer${playlist}`).pathname
    for (const { uri, parts } of now.segments) {
      if (uri !== undefined && !known.has(uri)) tally.segments.add(pathOf(uri))
      for (const part of parts) {
        if (known.has(part.uri)) continue
        known.add(part.uri)
        tally.parts.add(pathOf(part.uri))
        await get(pathOf(part.uri))
      }
    }
  }
}
