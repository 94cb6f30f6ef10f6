import { withoutFields, type CacheOutcome } from '../../http/index.ts'
import type { Answerable, CacheWord, Exchange } from '../exchange.ts'
import type { Passing } from '../gate/carry.ts'
import { ageOf, fetched, HIT, onItsWay, passed, REVALIDATED, STALE, VERSION_WORDS } from './cache-words.ts'
import { changeAnswer, changeOf, changeStored } from './changed-playlist.ts'

/** What a playlist is made from, with what hands a signed query on, and what steers players, already in it. */
export async function madeFrom(
  x: Exchange,
  found: Answerable,
): Promise<{ answer: Passing; word: CacheWord; outcome: CacheOutcome }> {
  const change = changeOf(x)
  if (found.kind === 'passing') {
    const answer = change === undefined ? found.answer : await changeAnswer(found.answer, change)
    return { answer, word: 'Miss', outcome: passed(found) }
  }
  if (found.kind === 'filling' && change === undefined)
    return { answer: onItsWay(found.fill), word: 'Miss', outcome: fetched(found) }
  const object = found.kind === 'filling' ? await found.whole : found.object
  const { status, headers, body, bornAt } = change === undefined ? object : changeStored(x, object, change)
  const age = ['Age', String(ageOf(bornAt, x.node.clock.now()))]
  const times = { requestedAt: bornAt, respondedAt: bornAt }
  const answer = {
    status,
    headers: [...withoutFields(headers, AGE), ...age],
    body: [body],
    destroy,
    ...times,
  }
  if (found.kind === 'filling') return { answer, word: 'Miss', outcome: fetched(found) }
  if (found.kind === 'version') {
    const [word, outcome] = VERSION_WORDS[found.source]
    return { answer, word, outcome }
  }
  return found.kind === 'refreshed'
    ? { answer, word: 'RefreshHit', outcome: REVALIDATED }
    : { answer, word: 'Hit', outcome: found.kind === 'stale' ? STALE[found.why] : HIT }
}

const AGE: ReadonlySet<string> = new Set(['age'])
const destroy = (): void => {}
