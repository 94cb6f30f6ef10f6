import type { IncomingMessage } from 'node:http'
import { canonicalPath, pause, type Milliseconds } from '../../core/index.ts'
import type { Exchange, Step } from '../exchange.ts'
import { readElsewhere } from '../functions/other-origin.ts'
import { key } from '../key.ts'
import type { CacheNode } from '../node.ts'
import { PEER_REPLIES, refusePeer } from './peer-answer.ts'
import { takeTrace } from '../trace.ts'
import { readPeerQuestion, restoreViewersFields, type PeerQuestion } from './peer-question.ts'

/** A change reaches all processes of a node within moments; whoever is behind for longer is not waited for. */
const CATCH_UP: Milliseconds = 1_000
const LOOK_AGAIN: Milliseconds = 5

/**
 * First step of what another process of this node asks: no gate, since the asker has let the viewer in. From `key` on
 * the steps are a viewer's own.
 */
export const readPeer: Step = (x: Exchange) => {
  const request = x.request as IncomingMessage // node:http alone listens for peers
  const asked = readPeerQuestion(request)
  if (asked === undefined) return refusePeer(x, 'unreadable')
  const behind = isBehind(x.node, asked)
  return behind ? catchUp(x, request, asked) : begin(x, request, asked)
}

/** What the asker has forgotten he must not be given again: he would keep it. */
function isBehind({ snapshot, siblings }: CacheNode, asked: PeerQuestion): boolean {
  if (snapshot === undefined || snapshot.version < asked.snapshotVersion) return true
  return snapshot.sequence < asked.sequence || (siblings?.changes ?? 0) < asked.changes
}

async function catchUp(
  x: Exchange,
  request: IncomingMessage,
  asked: PeerQuestion,
): Promise<Step | undefined> {
  for (let waited = 0; waited < CATCH_UP; waited += LOOK_AGAIN) {
    await pause(LOOK_AGAIN)
    if (!isBehind(x.node, asked)) return begin(x, request, asked)
  }
  return refusePeer(x, 'behind')
}

function begin(x: Exchange, request: IncomingMessage, asked: PeerQuestion): Step | undefined {
  const served = x.node.matcher?.distribution(asked.domain)
  const url = request.url ?? ''
  const queryAt = url.indexOf('?')
  const rawPath = queryAt < 0 ? url : url.slice(0, queryAt)
  const query = queryAt < 0 ? '' : url.slice(queryAt + 1)
  const canonical = canonicalPath(rawPath)
  if (served?.distribution.id !== asked.distributionId || canonical.kind !== 'ok')
    return refusePeer(x, 'behind')
  takeTrace(x)
  restoreViewersFields(request)
  request.method = asked.method
  x.asker = asked
  x.replies = PEER_REPLIES
  x.appliedThen = x.node.snapshot?.sequence ?? 0
  x.viewer = asked.viewer
  x.target = { ...{ rawPath, query }, path: canonical.path, token: undefined, lookalike: undefined }
  x.served = served
  x.named = asked.named
  x.behaviour = served.behaviour(asked.named ?? canonical.path)
  x.ownQuery = query
  if (asked.elsewhere !== '') x.elsewhere = readElsewhere(x, asked.elsewhere)
  return asked.elsewhere !== '' && x.elsewhere === undefined ? refusePeer(x, 'unreadable') : key
}
