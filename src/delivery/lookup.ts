import type { PlaylistFound, Question, UpstreamAnswer } from '../cache/index.ts'
import type { FlatHeaders } from '../http/index.ts'
import { sendAtOnce } from './answer/at-once.ts'
import { deliver } from './answer/deliver.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { secretsOf, selectedFields, type Forwarding } from './upstream/forwarding.ts'
import { interimTo } from './answer/interim.ts'
import { leadsToOtherScheme } from './upstream/scheme-redirect.ts'
import { answerPeer, badDirectivesForPeer, failPeer } from './peers/peer-answer.ts'
import { sendError } from './answer/refusal.ts'
import { sendTrouble } from './upstream/trouble.ts'

/** From store, or fetched once for all who ask meanwhile. */
export const lookup: Step = (x: Exchange) => {
  if (sendAtOnce(x) === 'sent') return undefined
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
  const { bounds, forwarding } = known(x.source, 'the source')
  const distributionId = distribution.id
  const key = known(x.key, 'the key')
  const method = methodOf(x)
  const selection = forwarding === undefined ? undefined : new Selection(x, forwarding)
  const scheme = x.viewer?.scheme
  // Every request comes by here: the three are written out since a spread costs more than the lookup itself.
  const elsewhere = node.siblings?.lookup(x, {
    distributionId,
    path,
    bounds,
    method,
    key,
    selection,
    scheme,
    range: x.selects ? x.header('range') : undefined,
    ifRange: x.selects ? x.header('if-range') : undefined,
    ask: question =>
      askUpstream(x, [query, directives].filter(part => part !== '').join('&'), question, selection),
  })
  if (elsewhere !== undefined) return elsewhere
  if (path.endsWith('.m3u8')) {
    const ask = (text: string, question: Question): Promise<UpstreamAnswer> =>
      askUpstream(x, text, question, selection)
    const { variant } = x
    return node.playlists.lookup({
      distributionId,
      path,
      bounds,
      query,
      variant,
      directives,
      ask,
      selection,
      scheme,
    })
  }
  return node.cache.lookup({
    distributionId,
    path,
    bounds,
    method,
    key,
    range: x.selects ? x.header('range') : undefined,
    ifRange: x.selects ? x.header('if-range') : undefined,
    ask: question => askUpstream(x, query, question, selection),
    selection,
    scheme,
  })
}

function methodOf({ request }: Exchange): 'GET' | 'HEAD' {
  return request.method === 'HEAD' ? 'HEAD' : 'GET'
}

/** What of the viewer's the origin is shown unkeyed; put together when it is needed, since most hits never do. */
class Selection {
  readonly selects: Forwarding['selects']
  readonly #x: Exchange
  readonly #forwarding: Forwarding
  #fields: FlatHeaders | undefined

  constructor(x: Exchange, forwarding: Forwarding) {
    this.#x = x
    this.#forwarding = forwarding
    this.selects = forwarding.selects
  }

  get fields(): FlatHeaders {
    return (this.#fields ??= selectedFields(this.#x, this.#forwarding))
  }
}

async function askUpstream(
  x: Exchange,
  query: string,
  question: Question,
  selection: Selection | undefined,
): Promise<UpstreamAnswer> {
  const { node, channel, directives } = x
  const { distribution } = known(x.served, 'the distribution')
  const { path } = known(x.target, 'the target')
  const { origin, access, forwarding } = known(x.source, 'the source')
  const answer = await node.upstream.ask({
    ...question,
    distributionId: distribution.id,
    ...{ origin, access, path, query },
    headers: selection === undefined ? x.forwarded : [...x.forwarded, ...selection.fields],
    cookies: forwarding?.cookies ?? 'none',
    ...(x.viewer && { scheme: x.viewer.scheme }),
    interim: interimTo(x, secretsOf(origin)),
    // A part that was hinted at is held like a playlist, and nothing in its name says so.
    lane: channel === undefined && directives === '' ? 'prompt' : 'held',
    channel,
    snapshotVersion: node.snapshot?.version ?? 0,
    sequence: node.snapshot?.sequence ?? 0,
  })
  return leadsToOtherScheme(x, answer) ? { ...answer, unshared: 'scheme' } : answer
}

function next(x: Exchange, found: PlaylistFound): Step | undefined {
  if (found.kind === 'bad-directives') {
    if (x.asker !== undefined) return badDirectivesForPeer(x, found.problem)
    return sendError(x, 400, 'InvalidRequest', PROBLEMS[found.problem])
  }
  x.found = found
  if (x.asker !== undefined) return answerPeer
  if (found.kind === 'version') countViewer(x)
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

function failed(x: Exchange, error: unknown): undefined {
  if (x.asker !== undefined) return failPeer(x, error)
  return sendTrouble(x, error)
}
