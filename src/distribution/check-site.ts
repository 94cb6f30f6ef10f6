import { canonicalPath } from '../core/index.ts'
import type { Distribution } from './schema.ts'

/** What is wrong with the words that hold for all of a distribution. */
export function siteProblems({ defaultRoot, geo, certificate }: Distribution): string[] {
  return [
    ...(defaultRoot === undefined ? [] : rootProblem(defaultRoot)),
    ...(geo ? geoProblems(geo) : []),
    ...(certificate === undefined || /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(certificate)
      ? []
      : ['the certificate has a name that cannot be printed: mend it']),
  ]
}

/** Where `/` leads to. A query would be the viewer's own, and what is reserved is no object. */
function rootProblem(defaultRoot: string): string[] {
  const place = `the defaultRoot "${defaultRoot}"`
  if (defaultRoot.startsWith('/'))
    return [`${place} begins with a slash: write the name alone, as index.html`]
  if (/[?#]/.test(defaultRoot)) return [`${place} has a query or fragment: end it before that`]
  const canonical = canonicalPath(`/${defaultRoot}`)
  if (canonical.kind === 'bad')
    return [`${place} is a path that no request can have (${canonical.why}): mend it`]
  if (/^\/\.sluice(?:\/|$)/.test(canonical.path)) return [`${place} is Sluice itself: name another`]
  return []
}

function geoProblems({ countries }: NonNullable<Distribution['geo']>): string[] {
  if (countries.length === 0)
    return ['"geo" names no country: list them by their two letters, or take it out']
  return countries
    .filter(code => !/^[A-Z]{2}$/.test(code))
    .map(code => `"geo" names "${code}", which is no country: write its two letters of ISO 3166-1, as DE`)
}
