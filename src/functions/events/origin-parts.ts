import { originFieldRefusal } from '../../distribution/index.ts'
import { fields, type FlatHeaders } from '../../http/index.ts'
import type { Json } from '../contract.ts'
import { headerFault } from './header-rules.ts'
import { unusable, type Unusable } from './seen.ts'

/** What both kinds of functions say of an origin in the same words. */

/** A dot between any two labels: where one might be left out, a long name could be read in too many ways to try. */
const HOST = /^(?=.{1,253}$)[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.?$/
const PATH = /^(?:\/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*$/
const VERSIONS: ReadonlySet<string> = new Set(['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])

export function isHostName(given: Json | undefined): given is string {
  // What ends in a number is an address, or nothing.
  return typeof given === 'string' && HOST.test(given) && URL.canParse(`http://${given}/`)
}

/** Empty, or with a slash before and none behind. */
export function isOriginPath(given: Json | undefined): given is string {
  return typeof given === 'string' && given.length <= 255 && PATH.test(given)
}

export function isOriginPort(port: number | undefined): port is number {
  return port !== undefined && (port === 80 || port === 443 || (port >= 1024 && port <= 65_535))
}

export function areVersions(given: Json | undefined): given is string[] {
  return Array.isArray(given) && given.every(each => typeof each === 'string' && VERSIONS.has(each))
}

export function numberOf(given: Json): number | undefined {
  const number = typeof given === 'string' ? Number(given) : given
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined
}

export function isFrom(number: number | undefined, least: number, most: number): number is number {
  return number !== undefined && number >= least && number <= most
}

export function wrongOrigin(what: string): Unusable {
  return unusable('function-result', `it gave an origin ${what}`)
}

/** What an operator may not name for an origin a function may not either. */
export function customHeaderFault(headers: FlatHeaders): Unusable | undefined {
  for (const [name] of fields(headers)) {
    const refusal = originFieldRefusal(name)
    if (refusal !== undefined) return unusable('function-header', `the custom header ${name} ${refusal}`)
  }
  return headerFault('origin-response', [], headers)
}
