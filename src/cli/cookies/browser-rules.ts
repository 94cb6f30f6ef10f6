import { isIP } from 'node:net'
import type { Instant } from '../../core/index.ts'
import { isPublicSuffix, sameSite, type RawUrl } from '../../http/index.ts'
import { good, problem, warning, type Finding } from '../finding.ts'
import type { CookieLine } from './cookie-line.ts'
import { isThisMachine } from './edge.ts'

/** Who sets cookies for what, and which page asks for it. */
export interface BrowserPlace {
  setter: RawUrl
  media: RawUrl
  page: RawUrl | undefined
  now: Instant
}

type Fault = Omit<Finding, 'name' | 'state'> & { state: 'warning' | 'problem' }

interface Rule {
  name: string
  fault(cookie: CookieLine, place: BrowserPlace): Fault | undefined
  /** What is so when no cookie is at fault. */
  well(place: BrowserPlace): string
}

/** RFC 6265bis allows no more for name and value together (§5.6); a browser drops such a cookie without a word. */
const LARGEST_COOKIE = 4096

/** What a browser does with cookies that were set so (RFC 6265bis): one finding for each rule. */
export function browserFindings(lines: readonly CookieLine[], place: BrowserPlace): Finding[] {
  return RULES.map(rule => {
    const faults = lines.flatMap(line => {
      const fault = rule.fault(line, place)
      return fault === undefined ? [] : [{ line, fault }]
    })
    const worst = faults.find(({ fault }) => fault.state === 'problem') ?? faults[0]
    if (worst === undefined) return good(rule.name, rule.well(place))
    const names = faults.map(({ line }) => line.name).join(', ')
    const tell = worst.fault.state === 'problem' ? problem : warning
    return tell(rule.name, `${names}: ${worst.fault.found}`, worst.fault.mend ?? '')
  })
}

const RULES: readonly Rule[] = [
  { name: 'Domain', fault: domainFault, well: ({ media }) => `the cookies go to ${media.host}` },
  { name: 'Path', fault: pathFault, well: ({ media }) => `the cookies go to ${folderOf(media.path)}` },
  { name: 'Secure', fault: secureFault, well: ({ media }) => `fits ${media.scheme} to ${media.host}` },
  {
    name: 'SameSite',
    fault: sameSiteFault,
    well: ({ page }) =>
      page === undefined ? 'nothing contradicts; name the page with --page' : `fits the page on ${page.host}`,
  },
  { name: 'cookie life', fault: lifeFault, well: () => 'browsers keep the cookies' },
]

function domainFault({ domain }: CookieLine, { setter, media }: BrowserPlace): Fault | undefined {
  const shared = sharedDomain(setter.host, media.host)
  const mend =
    shared === undefined
      ? `${setter.host} and ${media.host} are different sites, which share no cookies: use a path token (sluice sign path), or let ${media.host}/.sluice/session set cookies of its own.`
      : shared === setter.host && setter.host === media.host
        ? 'Leave out Domain.'
        : `Set the cookies with Domain=${shared}.`
  if (domain === undefined || (domain === setter.host && (isPublicSuffix(domain) || isIP(domain) > 0))) {
    if (setter.host === media.host) return undefined
    return {
      state: 'problem',
      found: `without Domain they stay with ${setter.host} and never go to ${media.host}`,
      mend,
    }
  }
  if (isPublicSuffix(domain)) {
    return { state: 'problem', found: `browsers take no cookies for all of ${domain}`, mend }
  }
  if (!domainMatches(setter.host, domain)) {
    return { state: 'problem', found: `${setter.host} may not set cookies for ${domain}`, mend }
  }
  if (domainMatches(media.host, domain)) return undefined
  return { state: 'problem', found: `cookies of ${domain} do not go to ${media.host}`, mend }
}

function pathFault({ path }: CookieLine, { setter, media }: BrowserPlace): Fault | undefined {
  const folder = folderOf(media.path)
  const mend = `Set them with Path=${folder} (or Path=/).`
  if (path?.includes('*') === true) {
    return {
      state: 'problem',
      found: `Path=${path} is compared letter by letter: browsers know no "*" there`,
      mend,
    }
  }
  const own = path ?? defaultPath(setter.path)
  if (!pathMatches(media.path, own)) {
    const from = path === undefined ? ', the folder of the page that sets them,' : ''
    return { state: 'problem', found: `Path=${own}${from} does not cover ${media.path}`, mend }
  }
  if (!media.path.endsWith('.m3u8') || pathMatches(`${folder}x`, own)) return undefined
  return { state: 'problem', found: `Path=${own} covers the playlist and not what it names`, mend }
}

function secureFault(
  { secure, partitioned }: CookieLine,
  { setter, media }: BrowserPlace,
): Fault | undefined {
  const plain = [setter, media].find(url => url.scheme === 'http' && !isThisMachine(url.host))
  if (secure && plain !== undefined) {
    const deed = plain === setter ? 'set' : 'sent'
    return {
      state: 'problem',
      found: `Secure cookies are not ${deed} over plain http, as with http://${plain.authority}`,
      mend: `Serve ${plain.host} by https.`,
    }
  }
  if (partitioned && !secure) {
    return { state: 'problem', found: 'browsers drop Partitioned without Secure', mend: 'Add Secure.' }
  }
  if (secure || media.scheme === 'http') return undefined
  return {
    state: 'warning',
    found: 'without Secure they go over plain http as well, for everybody on the way to read',
    mend: 'Add Secure.',
  }
}

const EMBEDDED = 'Set them with SameSite=None; Secure; Partitioned, or use a path token (sluice sign path).'

function sameSiteFault(cookie: CookieLine, { page, media }: BrowserPlace): Fault | undefined {
  const { sameSite: word, secure, partitioned } = cookie
  if (word === 'none' && !secure) {
    const mend = 'Add Secure, or use SameSite=Lax where page and media are one site.'
    return { state: 'problem', found: 'browsers drop SameSite=None without Secure', mend }
  }
  if (page === undefined || isSameSite(page, media)) return undefined
  const strangers =
    page.scheme === media.scheme || !sameSite(page.host, media.host)
      ? `${page.host} and ${media.host} are different sites`
      : `${page.scheme}://${page.host} and ${media.scheme}://${media.host} count as different sites`
  if (word !== 'none') {
    const written = word === undefined ? 'Without SameSite, which is Lax,' : `With SameSite=${word}`
    const mend =
      page.scheme !== media.scheme && sameSite(page.host, media.host) ? 'Serve both by https.' : EMBEDDED
    return { state: 'problem', found: `${strangers}. ${written} the cookies stay at home`, mend }
  }
  if (partitioned) return undefined
  const found = `${strangers}, and browsers that block third-party cookies keep partitioned ones only`
  return { state: 'warning', found, mend: 'Add Partitioned; it must be set while that page is open.' }
}

function lifeFault(cookie: CookieLine, { now }: BrowserPlace): Fault | undefined {
  const { name, value, maxAge, expires } = cookie
  if (name.length + value.length > LARGEST_COOKIE) {
    const found = `more than ${LARGEST_COOKIE} bytes, which browsers drop`
    return { state: 'problem', found, mend: 'Sign a shorter policy, or with a P-256 key.' }
  }
  const gone = maxAge === undefined ? expires !== undefined && expires <= now : maxAge <= 0
  if (!gone) return undefined
  const which = maxAge === undefined ? 'Expires is in the past' : 'Max-Age is not above 0'
  return {
    state: 'problem',
    found: `${which}: browsers delete the cookie`,
    mend: 'Leave out Max-Age and Expires, or name a time to come; Max-Age is in seconds.',
  }
}

/** Schemeful: http and https of one domain are two sites to browsers now. */
function isSameSite(page: RawUrl, media: RawUrl): boolean {
  return page.scheme === media.scheme && sameSite(page.host, media.host)
}

/** RFC 6265bis §5.1.3; addresses have no parents. */
function domainMatches(host: string, domain: string): boolean {
  return host === domain || (host.endsWith(`.${domain}`) && isIP(host) === 0)
}

/** RFC 6265bis §5.1.4. */
function pathMatches(asked: string, own: string): boolean {
  return asked === own || (asked.startsWith(own) && (own.endsWith('/') || asked[own.length] === '/'))
}

function defaultPath(setterPath: string): string {
  return setterPath.slice(0, Math.max(1, setterPath.lastIndexOf('/')))
}

/** With its slash at the end. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}

/** The longest domain that both lie in and that cookies may be set for. */
function sharedDomain(one: string, other: string): string | undefined {
  if (one === other) return one
  for (let at = one; at !== ''; at = at.slice(at.indexOf('.') + 1)) {
    if (domainMatches(other, at) && !isPublicSuffix(at) && isIP(at) === 0) return at
    if (!at.includes('.')) return undefined
  }
  return undefined
}
