import { canonicalPath, canonicalPattern, comparablePath, type CanonicalPath } from '../core/index.ts'
import type { Behaviour, Distribution } from './schema.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Which distribution and which behaviour a request meets. Whether a request must be signed is decided by the first
 * matching behaviour alone, so order is the operator's and is kept exactly.
 */
export interface Matcher {
  /**
   * By Host without port, any case: a distribution's own name, that name at one edge (`e1--edge-7f.cdn.example`), or an
   * alias; the fallback when nobody claims it; undefined means `unknown-host`. */
  distribution(host: string): CompiledDistribution | undefined
}

export interface CompiledDistribution {
  readonly distribution: Distribution
  /** What `/` alone shows; undefined where that is what lies there. */
  readonly root: CanonicalPath | undefined
  /**
   * By canonical path. The last behaviour is `*`, so there is always one. Where the path meets no gate, but would in a
   * reading that some servers have of it, it meets that gate: `//members/x` and `/members;a=b/x` that of `/members/*`.
   */
  behaviour(path: string): Behaviour
}

export function compileMatcher(snapshot: Pick<Snapshot, 'distributions' | 'fallbackDistribution'>): Matcher {
  /** A distribution that is switched off keeps its names: the fallback must not answer in its place. */
  const byHost = new Map<string, CompiledDistribution | undefined>()
  let fallback: CompiledDistribution | undefined
  /** Without aliases: certificates and name servers of those know nothing of edges. */
  const ownNames = new Set<string>()
  for (const distribution of snapshot.distributions) {
    const compiled = distribution.enabled ? compileDistribution(distribution) : undefined
    ownNames.add(distribution.domain.toLowerCase())
    for (const name of [distribution.domain, ...distribution.aliases])
      byHost.set(name.toLowerCase(), compiled)
    if (distribution.id === snapshot.fallbackDistribution) fallback = compiled
  }
  return {
    distribution: host => {
      const name = host.toLowerCase()
      if (byHost.has(name)) return byHost.get(name)
      const own = ownNameOf(name)
      return own !== undefined && ownNames.has(own) ? byHost.get(own) : fallback
    },
  }
}

/** Of the name that a distribution has at one edge alone: `e1.cdn.example` of `e1--edge-7f.cdn.example`. */
function ownNameOf(host: string): string | undefined {
  const [label = ''] = host.split('.', 1)
  const joint = label.indexOf('--')
  return joint > 0 ? label.slice(0, joint) + host.slice(label.length) : undefined
}

export function compileDistribution(distribution: Distribution): CompiledDistribution {
  const tests = distribution.behaviours.map(behaviour => ({
    behaviour,
    matches: compilePattern(behaviour.pattern),
  }))
  const last = distribution.behaviours.at(-1)
  if (last === undefined) throw new RangeError(`distribution ${distribution.id} has no behaviour`)
  const first = (comparable: string): Behaviour =>
    tests.find(test => test.matches(comparable))?.behaviour ?? last
  const root = canonicalPath(`/${distribution.defaultRoot ?? ''}`)
  return {
    distribution,
    root: distribution.defaultRoot !== undefined && root.kind === 'ok' ? root.path : undefined,
    behaviour(path) {
      const comparable = comparablePath(path)
      const behaviour = first(comparable)
      if (behaviour.gate || !LOOSE.test(comparable)) return behaviour
      const meant = first(loosely(comparable))
      return meant.gate ? meant : behaviour
    },
  }
}

const LOOSE = /\/\/|;/

/** nginx and Apache merge slashes; Tomcat and Jetty drop what follows a `;` up to the next slash. */
function loosely(path: string): string {
  return path.replace(/;[^/]*/g, '').replace(/\/{2,}/g, '/')
}

/** Stands for an asterisk that is meant as one; neither pattern nor path can hold a control byte. */
const ASTERISK = '\0'

/**
 * `*` crosses slashes, `?` is exactly one character, the leading slash is optional (CloudFront, "Path pattern"); `%2A`
 * is an asterisk and nothing else. What it makes is asked with the comparable form of a canonical path.
 */
export function compilePattern(text: string): (comparable: string) => boolean {
  const pattern = comparablePath(canonicalPattern(text).replaceAll('%2A', ASTERISK))
  if (pattern === '*' || pattern === '/*') return () => true
  const rooted = pattern.startsWith('/') || pattern.startsWith('*') ? pattern : `/${pattern}`
  const star = rooted.indexOf('*')
  if (!rooted.includes('?') && star === rooted.length - 1) {
    const prefix = rooted.slice(0, -1).replaceAll(ASTERISK, '*')
    return path => path.startsWith(prefix)
  }
  return path => globMatches(rooted, path)
}

/** On a mismatch only the last `*` is tried again one further: at most pattern × path looks, never exponential. */
export function globMatches(pattern: string, text: string): boolean {
  let p = 0
  let t = 0
  let starAt = -1
  let resumeAt = 0
  while (t < text.length) {
    const want = pattern[p]
    if (want === '*') {
      starAt = p++
      resumeAt = t
    } else if (p < pattern.length && isOne(want, text[t])) {
      p++
      t++
    } else if (starAt >= 0) {
      p = starAt + 1
      t = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

function isOne(want: string | undefined, char: string | undefined): boolean {
  return want === '?' || want === char || (want === ASTERISK && char === '*')
}
