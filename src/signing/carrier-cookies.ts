import type { CarrierResult } from './carrier.ts'
import { assemble, isParameter, type Parameter } from './parameters.ts'

const PREFIX = 'CloudFront-'

/**
 * The grant in a Cookie header. Browsers send a name twice when it was set for two paths or domains: the same value
 * is one value, but of two different ones nobody can tell which belongs to which signature.
 */
export function readCookies(header: string): CarrierResult {
  if (!header.includes(PREFIX)) return { kind: 'none' }
  const values = new Map<Parameter, string>()
  let twice: Parameter | undefined
  for (const pair of header.split(';')) {
    const cookie = pair.trim()
    const equals = cookie.indexOf('=')
    if (equals < 0 || !cookie.startsWith(PREFIX)) continue
    const name = cookie.slice(PREFIX.length, equals).trimEnd()
    if (!isParameter(name)) continue
    const value = cookie
      .slice(equals + 1)
      .trimStart()
      .replace(/^"(.*)"$/, '$1')
    const known = values.get(name)
    if (known === undefined) values.set(name, value)
    else if (known !== value) twice ??= name
  }
  return values.size === 0 ? { kind: 'none' } : assemble({ values, twice }, 'cookie')
}
