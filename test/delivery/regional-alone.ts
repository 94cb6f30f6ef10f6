import {
  createServer,
  request as ask,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../src/core/index.ts'
import { nodeTokenSource } from '../../src/membership/index.ts'
import type { TierBench } from './tier-bench.ts'
import { DISTRIBUTION } from './edge-bench.ts'

/** What belongs to one connection, or speaks of what the edge has and wants. */
const OWN = new Set([
  ...['connection', 'host', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'te', 'trailer'],
  ...['range', 'if-range', 'if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'],
])

/**
 * Stands in an edge's place and keeps nothing, so that a client of HTTP meets a regional cache alone: GET goes there as an
 * edge would ask it, everything else to the origin, and what that has changed is told with the next question.
 */
export async function startBareEdge(
  bench: TierBench,
  origin: string,
): Promise<{ url: string; close(): Promise<void> }> {
  const { edge, regional } = bench
  const token = nodeTokenSource({ id: edge.id, role: 'edge', ...edge.key }, 'regional', systemClock)
  const changed = new Map<string, number>()
  const pathOf = (url: string): string => new URL(url, 'http://edge').pathname
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request
    if (method === 'GET' || method === 'HEAD') {
      const at = changed.get(pathOf(url))
      void token().then(value => forward(request, response, regional.url, nodeFieldsOf(request, value, at)))
      return
    }
    forward(request, response, origin, request.headers, ({ statusCode = 502, headers }) => {
      if (statusCode >= 400) return
      for (const each of [url, headers.location, headers['content-location']])
        if (each !== undefined) changed.set(pathOf(new URL(each, `http://edge${url}`).href), Date.now())
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listening on TCP
    close: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }

  function nodeFieldsOf(
    { headers }: IncomingMessage,
    value: string,
    at: number | undefined,
  ): Record<string, string> {
    const { snapshot } = edge.node
    const fields: Record<string, string> = {
      'sluice-node': value,
      'sluice-distribution': DISTRIBUTION,
      'sluice-domain': snapshot?.distributions[0]?.domain ?? '',
      'sluice-version': String(snapshot?.version),
      'sluice-seq': String(snapshot?.sequence),
      'sluice-viewer': `http 127.0.0.1 ${headers.host ?? ''}`,
      ...(at !== undefined && { 'sluice-changed': String(Date.now() - at) }),
    }
    for (const [name, text] of Object.entries(headers)) {
      if (text === undefined) continue
      const line = typeof text === 'string' ? text : text.join(', ')
      if (!OWN.has(name)) fields[`v-${name}`] = line
      else if (/^(?:range|if-)/.test(name)) fields[name] = line
    }
    return fields
  }
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  to: string,
  headers: OutgoingHttpHeaders,
  answered: (answer: IncomingMessage) => void = () => {},
): void {
  const { url = '', method = '' } = request
  const outgoing = ask(`${to}${url}`, {
    method: method === 'HEAD' ? 'GET' : method,
    headers,
  })
  outgoing.on('response', answer => {
    const { statusCode = 502, rawHeaders } = answer
    answered(answer)
    const kept: string[] = []
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const [name = '', value = ''] = rawHeaders.slice(at, at + 2)
      const lower = name.toLowerCase()
      if (lower === 'connection' || lower === 'keep-alive' || lower === 'transfer-encoding') continue
      if (lower === 'sluice-age-ms') kept.push('Age', String(Math.floor(Number(value) / 1000)))
      else kept.push(name, value)
    }
    response.sendDate = false
    response.writeHead(statusCode, kept)
    if (method === 'HEAD') {
      answer.destroy()
      return void response.end()
    }
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  })
  outgoing.on('information', ({ statusCode, rawHeaders }) => {
    if (statusCode === 103) response.writeEarlyHints(Object.fromEntries(pairs(rawHeaders)))
    else if (statusCode === 102) response.writeProcessing()
  })
  outgoing.on('error', () => response.destroy())
  request.pipe(outgoing)
}

function pairs(raw: readonly string[] | NodeJS.Dict<string | string[]>): [string, string][] {
  if (!Array.isArray(raw)) return []
  const list = raw as string[] // Node's own
  return list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1] ?? '']] : []))
}
