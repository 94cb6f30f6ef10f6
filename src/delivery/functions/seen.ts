import type { Json, SeenRequest, SeenResponse } from '../../functions/index.ts'
import { cloudFrontEvent, isHidden, lambdaEvent, type EventContext } from '../../functions/index.ts'
import { endToEnd, fields, type FlatHeaders } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { ownQueryOf } from '../keyed.ts'
import { ownCookies, ownValue, sendable } from '../upstream/forwarding.ts'
import { isWritten, writtenField } from '../upstream/written-fields.ts'
import type { RanFor, Use } from './node-functions.ts'

export function contextOf(x: Exchange, { event }: Use): EventContext {
  const { distribution } = known(x.served, 'the distribution')
  return { event, domain: distribution.domain, distribution: distribution.id, request: x.id }
}

export function ranFor(x: Exchange): RanFor {
  return { id: x.id, distribution: x.served?.distribution.id, path: x.loggedPath }
}

/** A function's argument, in the form that its runtime has. */
export function argumentFor(x: Exchange, use: Use, request: SeenRequest, response?: SeenResponse): Json {
  const event = use.runtime === 'lambda-edge' ? lambdaEvent : cloudFrontEvent
  return event(contextOf(x, use), request, response)
}

/** The viewer's request, less what has let him in, and with what the behaviour's policies say of him. */
export function seenByViewerEvents(x: Exchange): SeenRequest {
  return {
    clientIp: known(x.viewer, 'the viewer').address,
    method: x.request.method ?? '',
    uri: known(x.target, 'the target').path,
    query: ownQueryOf(x),
    headers: visibleFields(x),
  }
}

function visibleFields(x: Exchange): FlatHeaders {
  const { authority } = known(x.viewer, 'the viewer')
  const out = ['host', authority]
  for (const [name, value] of fields(endToEnd(x.rawHeaders))) {
    const lower = name.toLowerCase()
    if (lower === 'host' || lower === 'cookie' || isUnseen(x, lower) || !sendable(value)) continue
    const own = ownValue(x, lower, value)
    if (own !== undefined) out.push(lower, own)
  }
  const cookies = ownCookies(x)
  if (cookies !== undefined) out.push('cookie', cookies)
  for (const name of writtenNames(x)) {
    const value = writtenField(x, name)
    if (value !== undefined && sendable(value)) out.push(name, value)
  }
  return out
}

/** What opens a gate here is no function's to see, whether it has opened it or not. */
function isUnseen(x: Exchange, lower: string): boolean {
  return isHidden(lower) || isWritten(lower) || x.spent.has(lower)
}

/** The fields of CloudFront's that the behaviour's policies name. */
function writtenNames({ behaviour }: Exchange): Set<string> {
  const { headers = [], told = [] } = behaviour ?? {}
  return new Set([...headers.filter(isWritten), ...told])
}

/** The request goes on with these in place of all that the function has seen. */
export function giveFields(x: Exchange, given: FlatHeaders): void {
  const unseen = [...fields(x.rawHeaders)].filter(([name]) => isHidden(name.toLowerCase()))
  const rawHeaders = [...unseen.flat(), ...given]
  const whole = new Map<string, string>()
  for (const [name, value] of fields(rawHeaders)) {
    const lower = name.toLowerCase()
    const before = whole.get(lower)
    const joint = lower === 'cookie' ? '; ' : ', '
    whole.set(lower, before === undefined ? value : `${before}${joint}${value}`)
  }
  // Names like that of a prototype are names here.
  const headers = Object.fromEntries(whole)
  x.given = { headers, rawHeaders }
  // What a function has set opens nothing any more.
  const set = new Set([...fields(given)].map(([name]) => name))
  if ([...x.spent].some(name => name !== 'cookie' && set.has(name)))
    x.spent = new Set([...x.spent].filter(name => name === 'cookie' || !set.has(name)))
}
