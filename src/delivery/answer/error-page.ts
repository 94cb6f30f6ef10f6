import type { Filling, PlaylistFound } from '../../cache/index.ts'
import { codeOf, type CanonicalPath, type Instant } from '../../core/index.ts'
import type { ErrorRule } from '../../distribution/index.ts'
import { fields, withoutFields, type FlatHeaders } from '../../http/index.ts'
import { Exchange, known, type Answerable, type Incoming } from '../exchange.ts'
import { spentAt } from '../gate/spent.ts'
import { keyBy } from '../keyed.ts'
import { joinedFields } from '../upstream/forwarding.ts'

/** Of the error in whose place a page is shown, what viewers are told all the same. */
export interface FoundError {
  status: number
  headers: FlatHeaders
  bornAt: Instant
}

/** The path of what is shown in place of an answer of this status; undefined for most. */
export function pageFor(x: Exchange, status: number): CanonicalPath | undefined {
  if (status < 400 || x.request.method === 'OPTIONS') return undefined
  const page = ruleFor(x, status)?.page
  // Whoever asks for the page itself is told what has become of it.
  return page === x.target?.path ? undefined : (page as CanonicalPath | undefined) // it was made so when it was configured
}

/** The status that goes with the page. */
export function respondWith(x: Exchange, status: number): number {
  return ruleFor(x, status)?.respondWith ?? status
}

function ruleFor(x: Exchange, status: number): ErrorRule | undefined {
  return x.served?.distribution.errors.find(each => each.status === status)
}

/**
 * Looks a page up as if the viewer had asked for it, in the behaviour that its path meets, but for the gate: that it is
 * to be shown is the operator's word. Undefined where it cannot be had.
 */
export async function findPage(
  x: Exchange,
  path: CanonicalPath,
  find: (page: Exchange) => PlaylistFound | Promise<PlaylistFound>,
): Promise<Answerable | undefined> {
  const page = questionFor(x, path)
  if (page === undefined) return undefined
  try {
    const found = await find(page)
    if (found.kind === 'bad-directives') return undefined
    if (errorOf(found).status === 200) return found
    if (found.kind === 'passing') found.answer.destroy()
  } catch (error) {
    x.node.log.debug({ id: x.id, code: codeOf(error), path }, 'the page of an error cannot be had')
  }
  return undefined
}

/** About the viewer's one request, not about the page. */
const OF_THE_REQUEST = /^(?:if-.*|range|content-.*|expect|upgrade)$/

function questionFor(x: Exchange, path: CanonicalPath): Exchange | undefined {
  const served = known(x.served, 'the distribution')
  const behaviour = served.behaviour(path)
  const source = x.node.sourceOf(behaviour)
  if (source === undefined) return undefined
  const headers = Object.fromEntries(
    [...fields(joinedFields(x))].filter(([name]) => !OF_THE_REQUEST.test(name)),
  )
  const { httpVersion } = x.request
  const request = { method: 'GET', url: path, headers, rawHeaders: [], httpVersion } as unknown as Incoming // what steps before an answer look at
  const page = new Exchange(x.node, request, x.response)
  page.viewer = x.viewer
  page.standsFor = x
  page.target = { rawPath: path, path, query: '', token: undefined, lookalike: undefined }
  page.selects = false
  page.served = served
  page.behaviour = behaviour
  page.spent = spentAt(behaviour)
  keyBy(page, source)
  return page
}

/** What of a page counts, and what of an error does. */
export function errorOf(found: Answerable): FoundError {
  switch (found.kind) {
    case 'filling':
      return found.fill
    case 'passing': {
      const { status, headers, respondedAt } = found.answer
      return { status, headers, bornAt: respondedAt }
    }
    default:
      return found.object
  }
}

/** The page as an answer of that status, with what the error says of its own life. */
export function inPlaceOf(error: FoundError, page: Answerable, status: number): Answerable {
  const { bornAt } = error
  const headers = headersOf(error, errorOf(page))
  const change = { status, headers, bornAt, validators: { etag: undefined, lastModified: undefined } }
  switch (page.kind) {
    case 'filling': {
      const whole = page.whole.then(object => ({ ...object, ...change }))
      // Not everybody waits for it.
      whole.catch(() => {})
      return { ...page, fill: { ...change, ...bodyOf(page.fill) }, whole }
    }
    case 'passing':
      return { ...page, answer: { ...page.answer, status, headers } }
    default:
      return { ...page, object: { ...page.object, ...change } }
  }
}

/** What has changed when its first byte is asked for would be another page, so that is not asked. */
function bodyOf(fill: Filling): Pick<Filling, 'length' | 'read' | 'pieceAt'> {
  const pieceAt = fill.pieceAt?.bind(fill)
  return { length: fill.length, read: (first, last) => fill.read(first, last), ...(pieceAt && { pieceAt }) }
}

/** How long an error lives, whom it is for and when to come again it says itself; what is shown the page says. */
function headersOf(error: FoundError, page: FoundError): FlatHeaders {
  let made = lists.get(page.headers)
  if (made === undefined) lists.set(page.headers, (made = new WeakMap()))
  let headers = made.get(error.headers)
  if (headers === undefined) {
    const kept = [...fields(error.headers)].filter(([name]) => OF_THE_ERROR.has(name.toLowerCase()))
    headers = [...withoutFields(page.headers, OF_A_LIFE), ...kept.flat()]
    made.set(error.headers, headers)
  }
  return headers
}

/** The same list for all who are shown the same. */
const lists = new WeakMap<FlatHeaders, WeakMap<FlatHeaders, FlatHeaders>>()

/** A tag or date would be taken for that of what was asked for. */
const OF_A_LIFE: ReadonlySet<string> = new Set([
  ...[
    'cache-control',
    'cdn-cache-control',
    'sluice-cdn-cache-control',
    'surrogate-control',
    'expires',
    'age',
  ],
  ...['date', 'pragma', 'etag', 'last-modified', 'set-cookie', 'set-cookie2', 'retry-after'],
])

const OF_THE_ERROR: ReadonlySet<string> = new Set([
  ...[
    'cache-control',
    'cdn-cache-control',
    'sluice-cdn-cache-control',
    'surrogate-control',
    'expires',
    'age',
  ],
  ...['date', 'pragma', 'vary', 'www-authenticate', 'retry-after', 'x-sluice-reason'],
])
