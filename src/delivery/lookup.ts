import type { PlaylistFound, Question, UpstreamAnswer } from '../cache/index.ts'
import type { CanonicalPath } from '../core/index.ts'
import type { FlatHeaders } from '../http/index.ts'
import { sendAtOnce } from './answer/at-once.ts'
import { deliver } from './answer/deliver.ts'
import { errorOf, findPage, inPlaceOf, pageFor, respondWith, type FoundError } from './answer/error-page.ts'
import { known, type Exchange, type Step } from './exchange.ts'
import { askUpstream } from './upstream/ask-upstream.ts'
import { selectedFields, type Forwarding } from './upstream/forwarding.ts'
import { sendError } from './answer/refusal.ts'
import { noteTrouble, sendNoted } from './upstream/trouble.ts'

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
  const { node, query, sentQuery, directives } = x
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
    ask: question => askUpstream(x, joined(sentQuery, directives), question, selection?.fields),
  })
  if (elsewhere !== undefined) return elsewhere
  if (path.endsWith('.m3u8')) {
    const ask = (text: string, question: Question): Promise<UpstreamAnswer> =>
      askUpstream(x, sentFor(x, text), question, selection?.fields)
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
    ask: question => askUpstream(x, sentQuery, question, selection?.fields),
    selection,
    scheme,
  })
}

/** What goes upstream for what is keyed of a playlist's query, with directives or without. */
function sentFor({ query, sentQuery }: Exchange, keyed: string): string {
  if (query === sentQuery) return keyed
  return joined(sentQuery, keyed === query ? '' : keyed.slice(query === '' ? 0 : query.length + 1))
}

function joined(query: string, directives: string): string {
  return query === '' || directives === '' ? query + directives : `${query}&${directives}`
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

function next(x: Exchange, found: PlaylistFound): ReturnType<Step> {
  if (found.kind === 'bad-directives') {
    if (x.replies !== undefined) return x.replies.badDirectives(x, found.problem)
    return sendError(x, 400, 'InvalidRequest', PROBLEMS[found.problem])
  }
  x.found = found
  if (x.replies !== undefined) return x.replies.found
  if (found.kind === 'version') countViewer(x)
  const error = errorOf(found)
  const path = pageFor(x, error.status)
  return path === undefined ? deliver : showPage(x, path, error).then(() => deliver)
}

/** Puts the page in place of what was found, if it can be had. */
async function showPage(x: Exchange, path: CanonicalPath, error: FoundError): Promise<'shown' | 'not'> {
  const page = await findPage(x, path, find)
  if (page === undefined) return 'not'
  if (x.found?.kind === 'passing') x.found.answer.destroy()
  x.found = inPlaceOf(error, page, respondWith(x, error.status))
  x.inPlaceOf = error.status
  // No condition and no range of the viewer's is about this page.
  x.selects = false
  return 'shown'
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

function failed(x: Exchange, error: unknown): ReturnType<Step> {
  if (x.replies !== undefined) return x.replies.failed(x, error)
  const trouble = noteTrouble(x, error)
  const { status, fields } = trouble
  const headers = ['Cache-Control', 'no-store', ...fields]
  const noted = { status, headers, bornAt: x.node.clock.now() }
  return showInstead(x, noted, () => sendNoted(x, trouble))
}

/** Shows the distribution's page for an error of ours, or sends that where there is none. */
export function showInstead(
  x: Exchange,
  error: FoundError,
  send: () => undefined,
): undefined | Promise<Step | undefined> {
  const path = pageFor(x, error.status)
  if (path === undefined) return send()
  return showPage(x, path, error).then(shown => (shown === 'shown' ? deliver : send()))
}
