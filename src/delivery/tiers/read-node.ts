import type { IncomingMessage } from 'node:http'
import { canonicalPath, type Milliseconds } from '../../core/index.ts'
import { isAuthorised } from '../../inbound/index.ts'
import type { PeerVerifier } from '../../membership/index.ts'
import type { Exchange, Step } from '../exchange.ts'
import { readElsewhere } from '../functions/other-origin.ts'
import { key } from '../key.ts'
import type { Changed } from '../peers/changed.ts'
import { NODE_REPLIES, refuseNode } from './answer-node.ts'
import { takeTrace } from '../trace.ts'
import { readNodeQuestion, takeQuestion } from './node-question.ts'

type Place = Omit<Changed, 'keys'>

/** Of nodes, those who ask a regional cache. */
const ASKERS = new Set(['edge'])

/**
 * First step at a regional cache: is this one of our edges, and does it know no more than we do? There is no gate, since
 * the edge has let the viewer in. From `key` on the steps are those of an edge.
 */
export function readNode(peers: PeerVerifier): Step {
  return async x => {
    x.replies = NODE_REPLIES
    const request = x.request as IncomingMessage // node:http alone listens for nodes
    const verdict = await peers.verify(x.header('sluice-node'))
    // Token and certificate are of one node (SEAMS 25).
    const isOne = verdict.kind === 'peer' && isAuthorised(request.socket, verdict.id)
    return isOne && ASKERS.has(verdict.role) ? begin(x, request) : refuseNode(x, 'not-a-node')
  }
}

function begin(x: Exchange, request: IncomingMessage): Step | undefined {
  const { snapshot, matcher } = x.node
  if (snapshot === undefined || matcher === undefined) return refuseNode(x, 'not-ready')
  const asked = request.method === 'GET' ? readNodeQuestion(request) : undefined
  if (asked === undefined) return refuseNode(x, 'unreadable')
  // A number that cannot be read is none that is known here.
  const knowsAll = snapshot.version >= asked.snapshotVersion && snapshot.sequence >= asked.sequence
  if (!knowsAll) return refuseNode(x, 'behind')
  const served = matcher.distribution(asked.domain)
  if (served?.distribution.id !== asked.distributionId) return refuseNode(x, 'behind')
  const url = request.url ?? ''
  const queryAt = url.indexOf('?')
  const rawPath = queryAt < 0 ? url : url.slice(0, queryAt)
  const query = queryAt < 0 ? '' : url.slice(queryAt + 1)
  const canonical = canonicalPath(rawPath)
  if (canonical.kind === 'bad') return refuseNode(x, 'unreadable')
  takeTrace(x)
  takeQuestion(request)
  const place = { distributionId: asked.distributionId, path: canonical.path }
  if (asked.changed !== undefined) forgetAsWell(x, place, asked.changed)
  x.appliedThen = snapshot.sequence
  x.viewer = asked.viewer
  x.target = { ...{ rawPath, query }, path: canonical.path, token: undefined, lookalike: undefined }
  x.served = served
  x.named = asked.named
  x.behaviour = served.behaviour(asked.named ?? canonical.path)
  x.ownQuery = query
  if (asked.elsewhere !== '') x.elsewhere = readElsewhere(x, asked.elsewhere)
  return asked.elsewhere !== '' && x.elsewhere === undefined ? refuseNode(x, 'unreadable') : key
}

/** What the edge has forgotten it must not be given again: requests that change something do not come by here. */
function forgetAsWell({ node }: Exchange, place: Place, ago: Milliseconds): void {
  if (node.cache.forgottenUntil(place) < node.clock.now() - ago) void node.forget({ ...place, keys: [] })
}
