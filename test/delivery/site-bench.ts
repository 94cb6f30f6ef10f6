import { connect as connectHttp2, constants } from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  DEFAULT_WIRE,
  type Behaviour,
  type Distribution,
  type HttpOrigin,
} from '../../src/distribution/index.ts'
import { EdgeBench } from './edge-bench.ts'
import { ForeignOrigin, snapshotWith, type Asked } from './foreign-origin.ts'
import { rawGet, type Answer } from './raw-get.ts'

export type Script = (request: IncomingMessage, response: ServerResponse) => void

export interface SiteOptions extends Omit<NonNullable<Parameters<typeof EdgeBench.start>[1]>, 'snapshot'> {
  origin?: Partial<HttpOrigin>
  distribution?: Partial<Distribution>
  /** Before the one for all paths. */
  others?: (Partial<Behaviour> & { pattern: string })[]
}

/** A site of somebody else's behind an edge, with one behaviour for all paths unless a test names others. */
export class SiteBench {
  readonly origin: ForeignOrigin
  readonly bench: EdgeBench

  private constructor(origin: ForeignOrigin, bench: EdgeBench) {
    this.origin = origin
    this.bench = bench
  }

  static async start(
    script: Script,
    behaviour: Partial<Behaviour> = {},
    options: SiteOptions = {},
  ): Promise<SiteBench> {
    const origin = await ForeignOrigin.start((request, response) => {
      // A test's clock may run apart from the machine's, and a Date would tell them apart.
      response.sendDate = false
      script(request, response)
    })
    const { origin: wire, distribution, others = [], ...edge } = options
    const snapshot = snapshotWith(
      [{ id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE, ...wire }],
      [...others, { pattern: '*', ...behaviour }],
    )
    const bench = await EdgeBench.start((_, response) => response.end(), {
      snapshot: {
        ...snapshot,
        distributions: snapshot.distributions.map(each => ({ ...each, ...distribution })),
      },
      allowOrigins: ['127.0.0.0/8'],
      ...edge,
    })
    return new SiteBench(origin, bench)
  }

  get asked(): Asked[] {
    return this.origin.asked
  }

  /** What the origin was told in a field, one entry for each question. */
  told(name: string): (string | undefined)[] {
    return this.asked.map(({ fields }) => fields[name])
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.ask('GET', path, headers)
  }

  ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return rawGet(this.bench.url, path, { method, headers })
  }

  async close(): Promise<void> {
    await this.bench.close()
    await this.origin.close()
  }
}

/** A script that answers so, with the number of the question as its body. */
export function counting(headers: Record<string, string | string[]> = {}, status = 200): Script {
  let count = 0
  return (_request, response) => {
    count++
    const body = String(count)
    if (status === 204) response.writeHead(status, headers).end()
    else response.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body)
  }
}

/** One GET over HTTP/2, of which what was answered counts for nothing. */
export async function getOverHttp2(
  url: string,
  path: string,
  headers: Record<string, string>,
): Promise<number> {
  const session = connectHttp2(url, { rejectUnauthorized: false })
  const stream = session.request({ ':path': path, ...headers })
  const status = await new Promise<number>((resolve, reject) => {
    stream.once('response', fields => resolve(Number(fields[constants.HTTP2_HEADER_STATUS])))
    stream.once('error', reject)
  })
  stream.resume()
  await new Promise(resolve => stream.once('close', resolve))
  session.close()
  return status
}
