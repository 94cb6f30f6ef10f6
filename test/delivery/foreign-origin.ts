import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { OriginAccessId } from '../../src/core/index.ts'
import {
  firstDistribution,
  type Behaviour,
  type Distribution,
  type Origin,
  type OriginAccess,
  type Snapshot,
} from '../../src/distribution/index.ts'
import type { Logger } from '../../src/telemetry/index.ts'
import { DISTRIBUTION, snapshotOf } from './edge-bench.ts'

export interface Asked {
  method: string
  target: string
  /** Names as they came, and values. */
  fields: Record<string, string>
}

/** An HTTP server of somebody else's, scripted by a test. */
export class ForeignOrigin {
  readonly asked: Asked[] = []
  readonly #server: Server
  readonly #scheme: string

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.#scheme = scheme
  }

  static async start(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    { tls, port = 0 }: { tls?: { cert: string; key: string }; port?: number } = {},
  ): Promise<ForeignOrigin> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      const { method = '', url = '', headers } = request
      origin.asked.push({ method, target: url, fields: headers as Record<string, string> }) // no list is sent
      answer(request, response)
    }
    const server = tls ? createTlsServer(tls, listener) : createServer(listener)
    const origin = new ForeignOrigin(server, tls ? 'https' : 'http')
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    return origin
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port // listening on TCP
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`
  }

  connections(): Promise<number> {
    return new Promise(resolve => this.#server.getConnections((_error, count) => resolve(count)))
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

/** What an edge is told of one distribution with these origins; each behaviour names the first of them unless it says more. */
export function snapshotWith(
  origins: Origin[],
  behaviours: (Partial<Behaviour> & { pattern: string })[],
  more: Partial<Snapshot> = {},
): Snapshot {
  const first = firstDistribution(DISTRIBUTION, 'cdn.localhost', snapshotOf().keyGroups[0]?.id ?? never())
  const [model = never()] = first.behaviours.slice(-1)
  const distribution: Distribution = {
    ...first,
    origins,
    behaviours: behaviours.map(each => ({ ...model, originId: origins[0]?.id ?? '', ...each })),
  }
  return snapshotOf({ distributions: [distribution], ...more })
}

function never(): never {
  throw new Error('the first distribution has a behaviour and a key group')
}

export function accessOf(change: Partial<OriginAccess> = {}): OriginAccess {
  return {
    id: 'EACCESS' as OriginAccessId, // a test's own
    name: 'films',
    kind: 'control',
    signing: 'always',
    credentials: null,
    ...change,
  }
}

/** Keeps every line that is logged, as text. */
export function keptLog(): { log: Logger; lines: string[] } {
  const lines: string[] = []
  const write = (fields: object, text?: string): void =>
    void lines.push(`${JSON.stringify(fields)} ${text ?? ''}`)
  const log = { debug: write, info: write, warn: write, error: write, child: () => log } as Logger // what an edge logs by
  return { log, lines }
}
