import type { ResponseHeaders } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'
import type { CacheWord, Exchange } from '../exchange.ts'
import { corsBeside, isSteady } from './cors.ts'
import { isForAll, policied } from './policied.ts'
import { WITHOUT_LENGTH } from './plan-body.ts'
import { preparedHeaders } from './viewer-headers.ts'

/** What one answer was made for, and the fields that any other has which is made for the same. */
interface Steady {
  pop: string
  gated: boolean
  word: CacheWord
  varies: boolean
  ranges: boolean
  cors: readonly string[]
  rules: ResponseHeaders | undefined
  fields: readonly string[]
}

/**
 * Of those stored objects that are asked for most, how each was answered last: nearly all who ask for one are answered
 * in the same way. For any other, such a list would cost more memory than the object and more time than it saves.
 */
const last = new Map<FlatHeaders, Steady | 'seen'>()
const MOST = 4096

/** What of an answer is its own. */
export interface Own {
  word: CacheWord
  /** For Cache-Status. */
  told: string
  /** Seconds. */
  age: string
  /** Bytes. */
  length: number
}

/** Writes the head of a stored answer that is sent as a whole; false, and nothing, where it has to be put together. */
export function beginWhole(
  x: Exchange,
  object: { readonly headers: FlatHeaders; readonly status: number },
  { word, told, age, length }: Own,
): boolean {
  const { response } = x
  const { status } = object
  if (!('writeHeadPrepared' in response) || WITHOUT_LENGTH.has(status)) return false
  const steady = steadyFields(x, object, word)
  if (steady === undefined) return false
  x.cache = word
  x.status = status
  x.node.usage.counts.begun(x)
  const own = ['X-Sluice-Id', x.id, 'Cache-Status', told, 'Age', age, 'Content-Length', String(length)]
  if (x.isLogged) x.keepHead([...steady, ...own])
  response.writeHeadPrepared(status, steady, own)
  return true
}

/**
 * All fields of a stored answer sent as a whole that are the same for everybody, in one list that is made once; the rest
 * are id, age, freshness and length. Undefined where something in it is this viewer's own, and for what has not been
 * asked for in a while.
 */
function steadyFields(
  x: Exchange,
  object: { readonly headers: FlatHeaders; readonly status: number },
  word: CacheWord,
): readonly string[] | undefined {
  const cors = corsBeside(x, object.headers)
  if (!isSteady(cors)) return undefined
  const { gated, rules, variesByCoding: varies } = x
  if (rules !== undefined && !isForAll(rules)) return undefined
  const { pop } = x.node
  const ranges = object.status === 200 && !x.wholeOnly
  const known = last.get(object.headers)
  if (known === undefined) {
    if (last.size >= MOST) last.clear()
    last.set(object.headers, 'seen')
    return undefined
  }
  if (
    known !== 'seen' &&
    known.word === word &&
    known.gated === gated &&
    known.cors === cors &&
    known.varies === varies &&
    known.ranges === ranges &&
    known.rules === rules &&
    known.pop === pop
  )
    return known.fields
  const all = [
    ...preparedHeaders(object, gated ? 'gated' : 'open'),
    ...['Via', '1.1 sluice', 'X-Sluice-Pop', pop, 'X-Cache', `${word} from sluice`],
    ...(varies ? ['Vary', 'Accept-Encoding'] : []),
    ...cors,
    ...(ranges ? ['Accept-Ranges', 'bytes'] : []),
  ]
  const fields = rules === undefined ? all : policied(x, rules, all)
  last.set(object.headers, { pop, gated, word, varies, ranges, cors, rules, fields })
  return fields
}
