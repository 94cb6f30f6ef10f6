import type { PlaylistFound, Question, UpstreamAnswer } from '../cache/index.ts'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'
import { deliver } from './deliver.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { sendError } from './refusal.ts'

/** From store, or fetched once for all who ask meanwhile. */
export const lookup: Step = (x: Exchange) => {
  const found = find(x)
  return found instanceof Promise
    ? found.then(
        value => next(x, value),
        error => failed(x, error),
      )
    : next(x, found)
}

function find(x: Exchange): PlaylistFound | Promise<PlaylistFound> {
  const { node, query, directives } = x
  const { distribution } = known(x.served, 'the distribution')
  const { path } = known(x.target, 'the target')
  const object = { distributionId: distribution.id, path, bounds: known(x.behaviour, 'the behaviour').ttl }
  if (path.endsWith('.m3u8')) {
    const ask = (text: string, question: Question): Promise<UpstreamAnswer> => askUpstream(x, text, question)
    return node.playlists.lookup({ ...object, query, variant: x.variant, directives, ask })
  }
  const ask = (question: Question): Promise<UpstreamAnswer> => askUpstream(x, query, question)
  return node.cache.lookup({ ...object, key: known(x.key, 'the key'), ask })
}

function askUpstream(x: Exchange, query: string, question: Question): Promise<UpstreamAnswer> {
  const { node, channel, directives } = x
  const { distribution } = known(x.served, 'the distribution')
  const { path } = known(x.target, 'the target')
  const { origin, access } = known(x.source, 'the source')
  return node.upstream.ask({
    ...question,
    distributionId: distribution.id,
    ...{ origin, access, path, query },
    headers: x.forwarded,
    // A part that was hinted at is held like a playlist, and nothing in its name says so.
    lane: channel === undefined && directives === '' ? 'prompt' : 'held',
    channel,
    snapshotVersion: node.snapshot?.version ?? 0,
    sequence: node.snapshot?.sequence ?? 0,
  })
}

function next(x: Exchange, found: PlaylistFound): Step | undefined {
  if (found.kind === 'bad-directives') return sendError(x, 400, 'InvalidRequest', PROBLEMS[found.problem])
  if (found.kind === 'version') countViewer(x)
  x.found = found
  return deliver
}

function countViewer(x: Exchange): void {
  const { channel } = x
  if (channel === undefined) return
  const player = x.header('user-agent')?.slice(0, LONGEST_PLAYER) ?? ''
  x.node.viewers.seen(channel, `${known(x.viewer, 'the viewer').address} ${x.grant} ${player}`)
}

/** What players call themselves is shorter; the rest of a longer name would only fill memory. */
const LONGEST_PLAYER = 200

const PROBLEMS = {
  unreadable: 'The low-latency directives cannot be read',
  'too-far': 'The playlist is not so far yet that this could be waited for',
}

/** What passes by itself, soonest when nobody asks more. */
const BUSY = new Set(['upstream-trouble', 'upstream-overloaded'])

function failed(x: Exchange, error: unknown): undefined {
  // What the one who asked first is told by the origin itself.
  if (codeOf(error) === 'upstream-bad-request')
    return sendError(x, 400, 'InvalidRequest', 'The origin refused this request')
  x.node.log.warn(
    { id: x.id, code: codeOf(error), ...reasonOf(error), path: x.loggedPath },
    'upstream failed',
  )
  if (codeOf(error) === 'upstream-timeout')
    return sendError(x, 504, 'GatewayTimeout', 'The origin did not answer in time')
  if (BUSY.has(codeOf(error) ?? ''))
    return sendError(x, 503, 'ServiceUnavailable', 'The origin is busy', ['Retry-After', '1'])
  return sendError(x, 502, 'BadGateway', 'The origin cannot be reached')
}

/** For the log alone; no sentence of ours holds a secret, and of a system's error only its code is told. */
function reasonOf(error: unknown): { why?: string; cause?: string | undefined } {
  return error instanceof SluiceError ? { why: messageOf(error), cause: codeOf(error.cause) } : {}
}
