import type { UpstreamAnswer } from '../../cache/index.ts'
import { SluiceError, type Clock, type Milliseconds } from '../../core/index.ts'
import { fieldValue } from '../../http/index.ts'
import { MOST_WAITING, openConnections } from './origin-connections.ts'
import type { Asks, UpstreamQuestion } from './upstream.ts'
import { askPatiently, overloaded, type Worth } from './patience.ts'
import { conditionsOf } from './origin-request.ts'

/**
 * A role that its supervisor starts again is back within about a second (SEAMS 34), so a refused connection is worth
 * waiting for: these pauses sum to 4 s.
 */
const PAUSES: readonly Milliseconds[] = [50, 100, 200, 400, 750, 1000, 1500]

export interface BuiltInOptions {
  url: string
  /** A fresh node token for each question. */
  token: () => Promise<string>
  clock: Clock
}

/** The origin role of this installation, which knows us by our node token. */
export function builtInOrigin({ url, token, clock }: BuiltInOptions): Asks {
  const connections = openConnections({ url, clock, most: { prompt: 64, held: MOST_WAITING } })

  async function once(question: UpstreamQuestion): Promise<UpstreamAnswer> {
    const headers = ['Sluice-Node', await token(), 'Sluice-Distribution', question.distributionId]
    headers.push('Sluice-Version', String(question.snapshotVersion), 'Sluice-Seq', String(question.sequence))
    const target = question.query === '' ? question.path : `${question.path}?${question.query}`
    const answer = await connections.get(question.lane, target, [...headers, ...conditionsOf(question)])
    const sequence = fieldValue(answer.headers, 'sluice-seq')
    return sequence !== undefined && /^\d{1,15}$/.test(sequence)
      ? { ...answer, sequence: Number(sequence) }
      : answer
  }

  return {
    async ask(question) {
      const leave = connections.take(question.lane, question.channel)
      if (leave === undefined) throw overloaded()
      try {
        const pauses = question.patience === 'full' ? PAUSES : []
        return await askPatiently({ ask: () => once(question), pauses, worth })
      } finally {
        leave()
      }
    },
    close: () => connections.destroy(),
  }
}

/** The next tier does not know this node yet, or no longer; that is never the viewer's fault. */
function worth(answer: UpstreamAnswer): Worth {
  return answer.status === 403 && fieldValue(answer.headers, 'x-sluice-reason') === 'not-a-node'
    ? { kind: 'again', otherwise: refusedNode() }
    : { kind: 'good' }
}

function refusedNode(): SluiceError {
  return new SluiceError('upstream-refused', 'the next tier does not know this node', {
    side: 'upstream',
    kind: 'unavailable',
  })
}
