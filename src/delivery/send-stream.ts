import { codeOf } from '../core/index.ts'
import type { Exchange, Outgoing } from './exchange.ts'

/** Writes chunks no faster than the viewer takes them. A body that fails is cut, never ended, so that it cannot look whole. */
export function sendStream(x: Exchange, chunks: AsyncIterable<Uint8Array>): void {
  write(x, chunks).catch((error: unknown) => {
    x.node.log.warn({ id: x.id, code: codeOf(error), path: x.loggedPath }, 'an answer was cut')
    cut(x.response)
  })
}

async function write(x: Exchange, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const { response } = x
  for await (const chunk of chunks) {
    if (response.destroyed || response.closed) return
    x.bodyBytes += chunk.length
    if (!put(response, chunk)) await drained(response)
  }
  response.end()
}

/** Node's two response types agree on this call, but not in their overloads. */
function put(response: Outgoing, chunk: Uint8Array): boolean {
  return 'stream' in response ? response.write(chunk) : response.write(chunk)
}

function drained(response: Outgoing): Promise<void> {
  return new Promise(resolve => {
    const go = (): void => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.once('drain', go)
    response.once('close', go)
  })
}

/** HTTP/1: the connection is reset; HTTP/2: the stream alone is. */
export function cut(response: Outgoing): void {
  if ('stream' in response) response.stream.close(2)
  else response.destroy()
}
