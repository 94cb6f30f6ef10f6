import { viewerFieldRefusal } from './origin-fields.ts'
import type { Behaviour, Named } from './schema.ts'
import { isToldField, toldRefusal } from './told-fields.ts'

type Fields = Partial<Pick<Behaviour, 'headers' | 'forward' | 'told' | 'cookies' | 'keyedCookies'>>

/** What is wrong with the names by which a behaviour or a policy keys and forwards; `place` is how sentences call it. */
export function fieldProblems(fields: Fields, place: string, tokenCookies: readonly string[]): string[] {
  const { headers = [], forward, told = [], cookies, keyedCookies } = fields
  const passedOn = listed(forward)
  return [
    ...[...new Set([...headers, ...passedOn])].flatMap(name => {
      const refusal = refusalOf(name, headers.includes(name) ? 'headers' : 'forward')
      return refusal === undefined ? [] : [`the header "${name}" of ${place} ${refusal}`]
    }),
    ...told.flatMap(name => {
      const refusal = toldRefusal(name, 'told')
      return refusal === undefined ? [] : [`the field "${name}" that ${place} tells ${refusal}`]
    }),
    ...[...new Set([...listed(cookies), ...listed(keyedCookies)])].flatMap(name => {
      const refusal = cookieRefusal(name, tokenCookies)
      return refusal === undefined ? [] : [`the cookie "${name}" of ${place} ${refusal}`]
    }),
  ]
}

/** Names that are taken in; one that is left out may be anything. */
export function listed(choice: Named | undefined): readonly string[] {
  return Array.isArray(choice) ? choice : []
}

function refusalOf(name: string, where: 'headers' | 'forward'): string | undefined {
  if (name === 'host')
    return 'is set by Sluice itself: set "host" to "viewer" to tell the origin the viewer\'s'
  if (isToldField(name))
    return where === 'headers'
      ? toldRefusal(name, 'keyed')
      : 'is written by edges themselves, and a viewer\'s own never passes: put it into "told"'
  return viewerFieldRefusal(name)
}

const OF_GRANTS = /^CloudFront-(?:Expires|Policy|Signature|Key-Pair-Id|Hash-Algorithm)$/

/** What lets somebody in is taken out of every request before others see it. */
function cookieRefusal(name: string, tokenCookies: readonly string[]): string | undefined {
  if (/[^\x21-\x7e]|[;,="\\]/.test(name)) return 'is no name of a cookie: mend it'
  if (OF_GRANTS.test(name) || tokenCookies.includes(name))
    return 'is a grant, which no origin sees and no answer is kept by: take it out'
  return undefined
}
