import { askedUrls, type JudgedRequest } from './conditions.ts'
import { withoutTokens } from './grant-check.ts'
import {
  compileResource,
  differingSections,
  resourceCovers,
  type Resource,
  type Section,
} from './resource.ts'

/** The URL that is held against a resource, without what lets in. */
export function shownUrl({ scheme, authority, rawPath, query }: JudgedRequest): string {
  return withoutTokens(`${scheme}://${authority}${rawPath}${query === '' ? '' : `?${query}`}`)
}

/** Which sections differ, in the spelling of the URL that comes nearest, and how that is commonly mended. */
export function whyNotCovered(resource: Resource, request: JudgedRequest): string {
  const [first = [], ...others] = askedUrls(request).map(url => differingSections(resource, url))
  const sections = others.reduce((nearest, other) => (other.length < nearest.length ? other : nearest), first)
  const scheme = sections.includes('scheme') ? schemeHint(resource, request) : undefined
  const said =
    sections.length === 1
      ? `the ${sections.join('')} differs`
      : `the ${sections.slice(0, -1).join(', ')} and the ${sections.at(-1) ?? ''} differ`
  const folder = sections.includes('path') ? folderHint(resource, request) : undefined
  const hint = scheme ?? folder ?? (sections.length === 1 ? mend(sections[0], resource) : undefined)
  return hint === undefined ? said : `${said}; ${hint}`
}

function schemeHint({ text, scheme }: Resource, request: JudgedRequest): string {
  if (scheme === 'never')
    return text.includes('://')
      ? `${withoutTokens(text.slice(0, text.indexOf('://') + 3))} is no scheme: a Resource begins with http://, https:// or *://`
      : 'it holds what can be in no URL'
  if (scheme === 'bare')
    return 'without a scheme it names a stream to publish over RTMP; begin it with https://, http:// or *://'
  if (scheme === 'rtmp' || scheme === 'rtmps') return 'an RTMP Resource is for publishing and opens no HTTP'
  return `it was asked for over ${request.scheme}; *:// covers http and https`
}

function folderHint({ text }: Resource, request: JudgedRequest): string | undefined {
  const folder = compileResource(`${text.replace(/\/+$/, '')}/*`)
  const inside = askedUrls(request).some(url => resourceCovers(folder, url))
  return inside ? 'to cover all that is inside a folder, end the Resource in /*' : undefined
}

function mend(section: Section | undefined, { text }: Resource): string | undefined {
  switch (section) {
    case 'host':
      return 'a Resource names the host by which the viewer asks, or * for any'
    case 'port':
      return 'a port in the Resource must be that of the request; without one any port is covered'
    case 'query':
      return text.includes('\\?') ? undefined : 'a * at the end of the path covers any query'
    default:
      return undefined
  }
}
