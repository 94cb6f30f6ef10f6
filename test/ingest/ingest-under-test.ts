import type { FlvTag } from '../../src/cmaf/index.ts'
import { systemClock } from '../../src/core/index.ts'
import {
  startIngest,
  type Ingest,
  type IngestOptions,
  type PublishRequest,
  type PublishVerdict,
} from '../../src/ingest/index.ts'
import { silentLogger } from '../../src/telemetry/index.ts'

/** What one accepted publisher brought. */
export interface Taken {
  request: PublishRequest
  tags: FlvTag[]
  ends: ('unpublished' | 'lost')[]
}

export interface IngestUnderTest {
  ingest: Ingest
  port: number
  requests: PublishRequest[]
  /** Accepted publishers, in order. */
  taken: Taken[]
}

export type Judgement = 'accept' | (PublishVerdict & { kind: 'refused' })

export interface UnderTestOptions extends Partial<Omit<IngestOptions, 'authorize'>> {
  /** Default: a path that ends in `refused` is refused, any other is accepted. */
  judge?: (request: PublishRequest) => Judgement | Promise<Judgement>
  /** What the sink answers to each tag. */
  answer?: (taken: Taken) => 'more' | 'full'
}

/** An ingest on a free port of loopback whose sinks remember everything. */
export async function ingestUnderTest(options: UnderTestOptions = {}): Promise<IngestUnderTest> {
  const { judge = byPath, answer = () => 'more', ...rest } = options
  const requests: PublishRequest[] = []
  const taken: Taken[] = []
  const ingest = await startIngest({
    listen: { host: '127.0.0.1', port: 0 },
    log: silentLogger,
    clock: systemClock,
    ...rest,
    async authorize(request) {
      requests.push(request)
      const verdict = await judge(request)
      if (verdict !== 'accept') return verdict
      const publisher: Taken = { request, tags: [], ends: [] }
      taken.push(publisher)
      return {
        kind: 'accepted',
        sink: {
          write(tag) {
            publisher.tags.push(tag)
            return answer(publisher)
          },
          end: how => void publisher.ends.push(how),
        },
      }
    },
  })
  return { ingest, port: ingest.port, requests, taken }
}

function byPath({ path }: PublishRequest): Judgement {
  if (!path.endsWith('refused')) return 'accept'
  return { kind: 'refused', reason: 'bad-signature', detail: 'the signature does not fit' }
}

/** Waits until something holds; a sentence says what did not. */
export async function until(holds: () => boolean, what: string, within = 10_000): Promise<void> {
  const deadline = Date.now() + within
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${within} ms`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
