import { canonicalPath, SluiceError, type CanonicalPath, type Instant, type Reason } from '../core/index.ts'
import type { ExplainedCheck, Explanation, ExplainRequest } from '../client/index.ts'
import {
  compileDistribution,
  compileMatcher,
  type Behaviour,
  type Distribution,
} from '../distribution/index.ts'
import { keyedQuery, readRawUrl, splitDirectives, type RawUrl } from '../http/index.ts'
import { stripSigning, takePathToken, withoutTokens, type TakenPath } from '../signing/index.ts'
import { explainCarried, NO_GRANT } from './explain-carried.ts'
import type { ExplainedGrant } from './explain-grant.ts'
import { explainPublish } from './explain-publish.ts'
import { nothingSaid, type Said, type Site } from './explanation.ts'

/** CloudFront's limit on a URL. */
const LONGEST_URL = 8192

/** What nodes that have this configuration say to a request, by the very functions that they ask. */
export async function explain(asked: ExplainRequest, site: Site, now: Instant): Promise<Explanation> {
  const read = readRawUrl(asked.url)
  if (read.kind === 'bad') {
    const message = `this URL cannot be explained: ${read.why}`
    throw new SluiceError('bad-url', message, { side: 'operator', kind: 'usage' })
  }
  const { url } = read
  const said = url.scheme === 'rtmp' || url.scheme === 'rtmps' ? explainPublish : explainView
  return { clock: new Date(now).toISOString(), ...(await said(url, asked, site, now)) }
}

/** The steps of an edge, in their order: read, match, authorize, key. */
async function explainView(url: RawUrl, asked: ExplainRequest, site: Site, now: Instant): Promise<Said> {
  const taken = takePathToken(url.path)
  const base = nothingSaid('view', url, taken)
  if (url.path.length + url.query.length >= LONGEST_URL) {
    return { ...base, detail: `a URL has at most ${LONGEST_URL} bytes; this one is answered with 414` }
  }
  const canonical = canonicalPath(taken.rest)
  if (canonical.kind === 'bad') {
    const detail = `the path cannot be made canonical: ${canonical.why}`
    return { ...base, path: { canonical: null, bad: canonical.why }, reason: 'bad-path', detail }
  }
  const { path } = canonical
  const placed = { ...base, path: { canonical: withoutTokens(path), bad: null } }
  if (path.startsWith('/.sluice/')) {
    const detail = "this path is Sluice's own on every host, and behind no gate"
    return { ...placed, verdict: 'allowed', detail }
  }
  const served = compileMatcher(site).distribution(url.host)
  if (!served) return { ...placed, reason: 'unknown-host', detail: nobody(url.host, site) }
  const { distribution } = served
  const met = meet(distribution, path === '/' ? (served.root ?? path) : path, taken)
  const { behaviour } = met
  const found: Said = {
    ...placed,
    distribution: { id: distribution.id, domain: distribution.domain, by: nameOf(distribution, url.host) },
    behaviours: distribution.behaviours.map(each => ({
      pattern: each.pattern,
      matches: matches(distribution, each, met.path),
      chosen: each === behaviour,
      gated: each.gate !== null,
    })),
    gate: gateOf(behaviour, site),
    cache: cacheOf(distribution, behaviour, path, url.query),
  }
  const protocol = protocolOf(behaviour, url)
  if (met.lookalike) {
    const detail = 'three dotted parts behind "/~" are meant as a path token and are none'
    return {
      ...found,
      ...combined(protocol, { ...NO_GRANT, verdict: 'refused', reason: 'malformed', detail }),
    }
  }
  const grant = await explainCarried(url, asked, taken, { behaviour, path, site, now })
  return { ...found, ...combined(protocol, grant) }
}

interface Met {
  behaviour: Behaviour
  path: CanonicalPath
  lookalike: boolean
}

/** Three dotted parts that are no token meet the gate that stands behind them (SEAMS 1). */
function meet(distribution: Distribution, path: CanonicalPath, { lookalike }: TakenPath): Met {
  const compiled = compileDistribution(distribution)
  const behaviour = compiled.behaviour(path)
  if (lookalike === undefined) return { behaviour, path, lookalike: false }
  if (behaviour.gate) return { behaviour, path, lookalike: true }
  const behind = canonicalPath(lookalike)
  const meant = behind.kind === 'ok' ? compiled.behaviour(behind.path) : undefined
  if (behind.kind === 'bad' || !meant?.gate) return { behaviour, path, lookalike: false }
  return { behaviour: meant, path: behind.path, lookalike: true }
}

/** Asks the matcher itself: with this behaviour alone before another. */
function matches(distribution: Distribution, behaviour: Behaviour, path: CanonicalPath): boolean {
  const rest: Behaviour = { ...behaviour, pattern: '*', gate: null }
  return compileDistribution({ ...distribution, behaviours: [behaviour, rest] }).behaviour(path) === behaviour
}

interface Protocol {
  verdict: 'allowed' | 'redirected' | 'refused'
  checks: ExplainedCheck[]
}

function protocolOf({ viewerProtocol }: Behaviour, { scheme }: RawUrl): Protocol {
  if (scheme === 'https' || viewerProtocol === 'allow-all') return { verdict: 'allowed', checks: [] }
  const detail =
    viewerProtocol === 'https-only'
      ? 'this behaviour answers by https only'
      : 'this behaviour sends http to https'
  const checks: ExplainedCheck[] = [{ check: 'protocol', verdict: 'fails', detail }]
  return { verdict: viewerProtocol === 'https-only' ? 'refused' : 'redirected', checks }
}

/** The protocol is asked before the grant, which is told all the same. */
function combined(
  { verdict, checks }: Protocol,
  grant: ExplainedGrant,
): Omit<ExplainedGrant, 'verdict' | 'reason'> & Pick<Said, 'verdict' | 'reason'> {
  if (verdict === 'allowed') return grant
  const reason: Reason | null = verdict === 'refused' ? 'https-only' : null
  const detail = checks[0]?.detail ?? ''
  return { ...grant, checks: [...checks, ...grant.checks], verdict, reason, detail }
}

function nobody(host: string, { distributions }: Site): string {
  const own = distributions.find(each => [each.domain, ...each.aliases].some(name => same(name, host)))
  return own
    ? `the distribution ${own.id} has this name and is switched off`
    : `no distribution has the name ${host}: make it an alias of one`
}

function nameOf({ domain, aliases }: Distribution, host: string): 'name' | 'fallback' {
  return [domain, ...aliases].some(name => same(name, host)) ? 'name' : 'fallback'
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other
}

function gateOf({ gate }: Behaviour, { keyGroups, issuers }: Site): Explanation['gate'] {
  if (!gate) return null
  return {
    keyGroups: keyGroups
      .filter(group => gate.keyGroups.includes(group.id))
      .map(({ name, keys }) => ({ name, keys: keys.map(key => key.id) })),
    issuers: issuers
      .filter(each => gate.issuers.includes(each.id))
      .map(({ name, issuer, cookie }) => ({ name, issuer, cookie })),
  }
}

function cacheOf(
  { id }: Distribution,
  { query: keyed, headers }: Behaviour,
  path: CanonicalPath,
  query: string,
): Explanation['cache'] {
  const { rest } = splitDirectives(stripSigning(query), path)
  return {
    distribution: id,
    path: withoutTokens(path),
    query: keyedQuery(rest, keyed),
    headers: [...headers],
  }
}
