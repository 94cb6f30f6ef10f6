import type { Directives } from './live.ts'

export type DirectivesResult = { kind: 'ok'; directives: Directives } | { kind: 'bad'; why: string }

/** No sequence number or part index in use comes near; a longer one would lose digits as a number. */
const MOST_DIGITS = 15

/**
 * Reads the delivery directives out of a query, as sent and without its question mark (rfc8216bis 6.2.5); other
 * parameters are not looked at. What is `bad` is to be answered 400.
 */
export function parseDirectives(query: string): DirectivesResult {
  const found = new Map<string, string>()
  for (const parameter of query.split('&')) {
    const equals = parameter.indexOf('=')
    const name = equals < 0 ? parameter : parameter.slice(0, equals)
    if (name !== '_HLS_msn' && name !== '_HLS_part' && name !== '_HLS_skip') continue
    if (found.has(name)) return bad(`${name} stands there twice`)
    found.set(name, equals < 0 ? '' : parameter.slice(equals + 1))
  }
  const sequence = wholeNumber(found.get('_HLS_msn'))
  const part = wholeNumber(found.get('_HLS_part'))
  const skip = found.get('_HLS_skip')
  if (sequence === 'bad') return bad('_HLS_msn is not a whole number')
  if (part === 'bad') return bad('_HLS_part is not a whole number')
  if (sequence === undefined && part !== undefined) return bad('_HLS_part needs _HLS_msn')
  if (skip !== undefined && skip !== 'YES' && skip !== 'v2') return bad('_HLS_skip is neither YES nor v2')
  return {
    kind: 'ok',
    directives: {
      until: sequence === undefined ? undefined : { sequence, part },
      // v2 also leaves out date ranges, of which there are none.
      skip: skip === undefined ? 'none' : 'segments',
    },
  }
}

/** The one spelling of directives: what is forwarded, and what stands in cache keys. Empty when nothing is asked. */
export function renderDirectives({ until, skip }: Directives): string {
  const parameters: string[] = []
  if (until !== undefined) parameters.push(`_HLS_msn=${until.sequence}`)
  if (until?.part !== undefined) parameters.push(`_HLS_part=${until.part}`)
  if (skip === 'segments') parameters.push('_HLS_skip=YES')
  return parameters.join('&')
}

/** Leading zeros are refused: each spelling of a number would be held and stored on its own. */
function wholeNumber(text: string | undefined): number | undefined | 'bad' {
  if (text === undefined) return undefined
  return /^(0|[1-9]\d*)$/.test(text) && text.length <= MOST_DIGITS ? Number(text) : 'bad'
}

function bad(why: string): DirectivesResult {
  return { kind: 'bad', why }
}
