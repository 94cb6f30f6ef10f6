import { cacheStatus, LONGEST_DELTA } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { record } from '../record.ts'
import { corsOf, isSteady } from './cors.ts'
import { DATED, SAYS_WHO_READS } from './rendered.ts'
import { cutLate } from './send-stream.ts'

/**
 * Answers who wants the whole of a small object that lies packed in memory: most of what is asked for, and all that such
 * an answer needs lies in one place there. `not` for everything else, which has not been looked at any further.
 */
export function sendAtOnce(x: Exchange): 'sent' | 'not' {
  const { node, request, response } = x
  if (!('sendWhole' in response) || x.replies !== undefined) return 'not'
  if (request.method !== 'GET' || x.selects || x.behaviour?.responseHeaders !== undefined) return 'not'
  const { distribution } = known(x.served, 'the distribution')
  const { path } = known(x.target, 'the target')
  // Playlists are never packed.
  if (path.endsWith('.m3u8')) return 'not'
  const key = known(x.key, 'the key')
  const now = node.clock.now()
  const there = node.cache.glance({ key, path, distributionId: distribution.id }, now)
  if (there === undefined) return 'not'
  const { bytes, marks, linesAt, openAt, gatedAt, bodyAt, bodyLength } = there
  const cors = corsOf(x, (marks & SAYS_WHO_READS) === 0 ? 'says-nothing' : 'says-who-reads')
  const steady = isSteady(cors)
  const told = cacheStatus(HIT, Math.floor((there.freshUntil - now) / 1000))
  const age = String(Math.min(LONGEST_DELTA, Math.floor((now - there.bornAt) / 1000)))
  const own = ['X-Sluice-Id', x.id, 'Cache-Status', told, 'Age', age, 'Content-Length', String(bodyLength)]
  if (!steady) own.unshift(...cors)
  x.cache = 'Hit'
  x.status = there.status
  x.bodyBytes = bodyLength
  x.keptFor(there.freshUntil - there.bornAt)
  node.usage.counts.begun(x)
  node.usage.counts.sent(x)
  if (x.isLogged) x.keepHead([...fieldsIn(bytes.toString('latin1', linesAt, openAt)), ...own])
  response.sendWhole(there.status, beginning(node.pop, steady ? cors : NOTHING), own, {
    bytes,
    lines: x.gated ? { from: linesAt, to: openAt } : { from: linesAt, to: gatedAt },
    more: x.gated ? { from: gatedAt, to: bodyAt } : NONE,
    body: { from: bodyAt, to: bodyAt + bodyLength },
    dated: (marks & DATED) !== 0,
  })
  // The connection's own limit starts anew whenever the viewer says something.
  if (!response.writableFinished && !response.closed) cutLate(x, bodyLength)
  record(x)
  return 'sent'
}

function fieldsIn(lines: string): string[] {
  return lines.split('\r\n').flatMap(line => {
    const colon = line.indexOf(':')
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
}

const HIT = { kind: 'hit' } as const
const NOTHING: readonly string[] = []
const NONE = { from: 0, to: 0 }

/** By the fields for pages, of which there are three lists that are the same for many. */
const beginnings = new Map<readonly string[], { pop: string; fields: readonly string[] }>()

/** What the heads of all these answers have in common, one list for each. */
function beginning(pop: string, cors: readonly string[]): readonly string[] {
  const made = beginnings.get(cors)
  if (made?.pop === pop) return made.fields
  const fields = [
    ...['Via', '1.1 sluice', 'X-Sluice-Pop', pop, 'X-Cache', 'Hit from sluice'],
    ...cors,
    ...['Accept-Ranges', 'bytes'],
  ]
  beginnings.set(cors, { pop, fields })
  return fields
}
