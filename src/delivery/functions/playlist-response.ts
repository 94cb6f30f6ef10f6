import type { Question, UpstreamAnswer } from '../../cache/index.ts'
import type { CanonicalPath } from '../../core/index.ts'
import { unusable, type SeenRequest } from '../../functions/index.ts'
import { codingsOf, withoutFields, type FlatHeaders } from '../../http/index.ts'
import type { Passing } from '../gate/carry.ts'
import { known, type Exchange } from '../exchange.ts'
import { functionFailed } from './failure-words.ts'
import type { Use } from './node-functions.ts'
import { playlistText } from './playlist-text.ts'
import { seenByViewerEvents } from './seen.ts'

/** The function that makes this path's playlist before it is kept, or for each request; undefined for most. */
export function playlistUse(x: Exchange, when: 'stored' | 'asked'): Use | undefined {
  const use = x.uses?.['playlist-response']
  return use?.when === when && x.target?.path.endsWith('.m3u8') === true ? use : undefined
}

/** Of the text that the function is given; what it makes of that has none of it. */
const OF_THE_TEXT: ReadonlySet<string> = new Set([
  ...['content-length', 'etag', 'last-modified', 'accept-ranges', 'content-md5', 'digest'],
  ...['content-digest', 'repr-digest', 'content-encoding'],
])

/**
 * The question for a playlist that is changed before it is kept: all of it, in no coding, whatever is there already, since
 * nothing that an origin confirms says what a function makes of it.
 */
export function wholeText<Asked extends Question & { headers: FlatHeaders }>(question: Asked): Asked {
  const whole = { ...question, validators: undefined, headers: withoutFields(question.headers, CODING) }
  delete whole.range
  delete whole.ifRange
  return whole
}

const CODING: ReadonlySet<string> = new Set(['accept-encoding'])

/**
 * An origin's playlist as the function has it. It is the same for all, so the function is shown nothing of a viewer: path and
 * keyed query alone. Its first stretch is waited for, so that a failure is one of the whole answer.
 */
export async function storedPlaylist(x: Exchange, use: Use, answer: UpstreamAnswer): Promise<UpstreamAnswer> {
  if (answer.status !== 200) return answer
  const { path } = known(x.target, 'the target')
  const seen: SeenRequest = { clientIp: '', method: 'GET', uri: path, query: x.query, headers: [] }
  return changed(x, use, seen, answer)
}

/** The same for one request on its way out. */
export async function askedPlaylist<Answer extends Passing>(
  x: Exchange,
  use: Use,
  answer: Answer,
): Promise<Answer> {
  return changed(x, use, { ...seenByViewerEvents(x), uri: pathAsked(x) }, answer)
}

function pathAsked(x: Exchange): CanonicalPath {
  return x.named ?? known(x.target, 'the target').path
}

async function changed<Answer extends Passing>(
  x: Exchange,
  use: Use,
  seen: SeenRequest,
  answer: Answer,
): Promise<Answer> {
  if (codingsOf(answer.headers).length > 0) {
    answer.destroy()
    throw functionFailed(unusable('function-result', 'it would be given a playlist in a coding'))
  }
  const text = playlistText(x, use, seen, answer.body)
  let first
  try {
    first = await text.next()
  } catch (error) {
    answer.destroy()
    throw error
  }
  return { ...answer, headers: withoutFields(answer.headers, OF_THE_TEXT), body: from(first, text) }
}

async function* from(
  first: IteratorResult<Uint8Array, void>,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (first.done === true) return
  yield first.value
  yield* rest
}
