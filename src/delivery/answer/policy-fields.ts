import type { ResponseHeaders } from '../../distribution/index.ts'
import { fields, HOP_BY_HOP, listMembers, type FlatHeaders } from '../../http/index.ts'
import { privately, speaksToCaches } from './viewer-headers.ts'

/** One field that a policy sets. */
interface Setting {
  readonly name: string
  readonly lower: string
  readonly value: string
  /** Whether it stands in place of what is there. */
  readonly override: boolean
}

/** What a policy takes from answers and adds to them whoever asks. */
export interface FieldRules {
  readonly removed: ReadonlySet<string>
  readonly settings: readonly Setting[]
}

/**
 * What frames a message or says what it is, and what a node says of itself: no policy changes it (CloudFront, "Remove
 * headers"). Names in lower case.
 */
const OWN: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...['content-encoding', 'content-length', 'content-range', 'host', 'expect'],
  ...['via', 'warning', 'age', 'x-cache', 'cache-status'],
])

export function compileFields({ security = {}, custom, remove }: ResponseHeaders): FieldRules {
  const settings = [...securityFields(security), ...custom].map(each => ({
    ...each,
    lower: each.name.toLowerCase(),
  }))
  return {
    removed: new Set(remove.map(name => name.toLowerCase()).filter(mayChange)),
    settings: settings.filter(({ lower }) => mayChange(lower)),
  }
}

function mayChange(name: string): boolean {
  return !OWN.has(name) && !/^(?:x-)?sluice-/.test(name)
}

type Security = NonNullable<ResponseHeaders['security']>

function securityFields(security: Security): Omit<Setting, 'lower'>[] {
  const { contentSecurityPolicy, contentTypeOptions, frameOptions, referrerPolicy } = security
  const { strictTransportSecurity: transport, xssProtection: xss } = security
  const set = (
    name: string,
    rule: { override: boolean } | undefined,
    value: string,
  ): Omit<Setting, 'lower'>[] => (rule === undefined ? [] : [{ name, value, override: rule.override }])
  return [
    ...set('Strict-Transport-Security', transport, transport === undefined ? '' : transportOf(transport)),
    ...set('Content-Security-Policy', contentSecurityPolicy, contentSecurityPolicy?.value ?? ''),
    ...set('X-Content-Type-Options', contentTypeOptions, 'nosniff'),
    ...set('X-Frame-Options', frameOptions, frameOptions?.value ?? ''),
    ...set('Referrer-Policy', referrerPolicy, referrerPolicy?.value ?? ''),
    ...set('X-XSS-Protection', xss, xss === undefined ? '' : xssOf(xss)),
  ]
}

function transportOf(rule: NonNullable<Security['strictTransportSecurity']>): string {
  const { maxAge, includeSubdomains, preload } = rule
  return [
    `max-age=${maxAge}`,
    ...(includeSubdomains ? ['includeSubDomains'] : []),
    ...(preload ? ['preload'] : []),
  ].join('; ')
}

function xssOf({ protection, modeBlock, reportUri }: NonNullable<Security['xssProtection']>): string {
  if (!protection) return '0'
  return [
    '1',
    ...(modeBlock ? ['mode=block'] : []),
    ...(reportUri === undefined ? [] : [`report=${reportUri}`]),
  ].join('; ')
}

/** First is taken out, then added. Behind a gate caches of others are told nothing all the same (SEAMS 10). */
export function withRules(rules: FieldRules, headers: FlatHeaders, gate: 'open' | 'gated'): FlatHeaders {
  const { removed, settings } = rules
  const had = new Set<string>()
  const replaced = new Set(
    settings.flatMap(({ lower, override }) => (override && lower !== 'vary' ? [lower] : [])),
  )
  const out: string[] = []
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    const kept = lower === 'vary' && removed.has(lower) ? ownVary(value) : value
    if (kept === '' || (lower !== 'vary' && removed.has(lower))) continue
    had.add(lower)
    if (!replaced.has(lower)) out.push(name, kept)
  }
  for (const { name, lower, value, override } of settings)
    if (override || lower === 'vary' || !had.has(lower)) out.push(name, value)
  return gate === 'gated' ? keptPrivate(out) : out
}

/** By which answers of this node differ, whatever the origin says. */
function ownVary(value: string): string {
  return listMembers(value)
    .filter(name => /^(?:origin|accept-encoding)$/i.test(name))
    .join(', ')
}

function keptPrivate(headers: FlatHeaders): FlatHeaders {
  const out: string[] = []
  let control = ''
  for (const [name, value] of fields(headers)) {
    const lower = name.toLowerCase()
    if (lower === 'cache-control') control = control === '' ? value : `${control}, ${value}`
    else if (!speaksToCaches(lower)) out.push(name, value)
  }
  return [...out, 'Cache-Control', /\bno-store\b/.test(control) ? control : privately(control)]
}
