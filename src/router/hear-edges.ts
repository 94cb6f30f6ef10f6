import { pause, reader, type Clock, type Milliseconds } from '../core/index.ts'
import { EdgesAnswer } from '../client/index.ts'
import { controlLink, nodeTokenSource, type NodeIdentity, type Membership } from '../membership/index.ts'
import type { Latencies } from '../routing/index.ts'

export interface HearOptions {
  controlUrl: string
  membership?: Membership | undefined
  identity: NodeIdentity
  latencies: Latencies
  every: Milliseconds
  clock: Clock
}

/** What is left may be as many again. */
const MANY = 1_000

const readEdges = reader(EdgesAnswer, 'what control says of edges')

/** Asks control again and again what edges have measured. While it is away, what is known holds until it is too old. */
export function hearEdges(options: HearOptions): { close(): Promise<void> } {
  const { identity, latencies, every, clock } = options
  const closing = new AbortController()
  const { signal } = closing
  const ask = controlLink(options, nodeTokenSource(identity, 'control', clock), clock)
  let known = { life: '', next: 0 }
  const hear = async (): Promise<'more' | 'all'> => {
    const path = `/v1/node/edges?life=${encodeURIComponent(known.life)}&from=${known.next}`
    const answer = await ask({ method: 'GET', path, signal })
    // A control of the version before knows nothing of it.
    if (answer.status !== 200) return 'all'
    const { life, next, measured } = readEdges(answer.body)
    known = { life, next }
    for (const each of measured) latencies.learn(each.edge, [each], clock.now())
    return measured.length >= MANY ? 'more' : 'all'
  }
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      // That control is away is told by who reports health to it.
      const left = await hear().catch(() => 'all' as const)
      if (left === 'all') await pause(every, signal)
    }
  }
  const running = run()
  return {
    async close() {
      closing.abort()
      await running
    },
  }
}
