import { MiB, SluiceError, type Bytes, type Clock } from '../../core/index.ts'
import { createFunctionRunner, type Fetch } from '../../functions/index.ts'
import type { Guard } from '../../outbound/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { Counts } from '../counts.ts'
import { openConnections } from '../upstream/origin-connections.ts'
import { NodeFunctions } from './node-functions.ts'

export interface NodeRunnerOptions {
  /** Where functions may ask, beside the hosts that each of them is allowed. */
  guard: Guard
  clock: Clock
  metrics: Metrics
  log: Logger
  counts?: Counts
}

/** The functions of a node that serves, run on threads of its own. */
export function nodeFunctions({ guard, clock, metrics, log, counts }: NodeRunnerOptions): NodeFunctions {
  const runner = createFunctionRunner({ fetch: guardedFetch({ guard, clock }), log, clock })
  return new NodeFunctions({ runner, metrics, log, clock, ...(counts && { counts }) })
}

/** As much of an answer as a function may read. */
const LARGEST: Bytes = MiB

/** Asks outside as origins are asked: every address is looked at before it is connected to. */
export function guardedFetch({ guard, clock }: Pick<NodeRunnerOptions, 'guard' | 'clock'>): Fetch {
  return async ({ method, url, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(url)
    const connections = openConnections({ url: origin, clock, guard, most: { prompt: 1 } })
    try {
      const answer = await connections.send({
        ...{ lane: 'prompt', method, target: `${pathname}${search}`, headers: headers.flat(), signal },
        ...(body !== undefined && { body: piece(body) }),
      })
      const read: Uint8Array[] = []
      let size = 0
      for await (const chunk of answer.body) {
        size += chunk.length
        if (size > LARGEST) throw new SluiceError('too-large', `the answer has more than ${LARGEST} bytes`)
        read.push(chunk)
      }
      const names = answer.headers.filter((_text, at) => at % 2 === 0)
      return {
        status: answer.status,
        headers: names.map((name, at) => [name, answer.headers[2 * at + 1] ?? ''] as const),
        body: Buffer.concat(read),
      }
    } finally {
      void connections.destroy().catch(() => {})
    }
  }
}

async function* piece(body: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  yield body
}
