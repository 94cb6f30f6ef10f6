import type { Cors, ResponseHeaders } from './schema.ts'

/** What is wrong with what is taken from and added to answers; `place` is how sentences call its behaviour or policy. */
export function headerProblems(headers: ResponseHeaders, place: string): string[] {
  const { cors, security, custom, remove } = headers
  return [
    ...(cors ? corsProblems(cors, place) : []),
    ...(security ? securityProblems(security, place) : []),
    ...customProblems(custom, place),
    ...remove.flatMap(name =>
      isOwn(name)
        ? [`the header "${name}" of ${place} is needed by HTTP or Sluice itself and cannot be removed`]
        : [],
    ),
  ]
}

/**
 * Behind a gate every answer tells caches in between that it is one viewer's (SEAMS 10); a policy that takes that away
 * would hand films to strangers.
 */
export function gateProblems({ custom, remove }: ResponseHeaders, place: string): string[] {
  const said = custom.filter(({ name }) => OF_CACHES.has(name.toLowerCase()))
  const wrong = [
    ...remove.filter(name => OF_CACHES.has(name)),
    ...said.filter(({ name, value }) => !isPrivate(name, value)).map(({ name }) => name),
  ]
  return wrong.map(
    name =>
      `the header "${name}" of ${place} would let caches in between keep what is gated: take it out, or say Cache-Control with "private"`,
  )
}

/** What caches before viewers decide by. */
const OF_CACHES: ReadonlySet<string> = new Set([
  'cache-control',
  'cdn-cache-control',
  'surrogate-control',
  'cloudflare-cdn-cache-control',
])

function isPrivate(name: string, value: string): boolean {
  const words = value
    .toLowerCase()
    .split(',')
    .map(word => word.trim())
  return name.toLowerCase() === 'cache-control' && (words.includes('private') || words.includes('no-store'))
}

const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

function corsProblems({ origins, credentials, headers, methods, expose }: Cors, place: string): string[] {
  const problems = origins
    .filter(origin => !isAllowedOrigin(origin))
    .map(
      origin =>
        `the CORS origin "${origin}" of ${place} is none: write it as https://site.example or https://*.site.example, without path, or "*" alone`,
    )
  if (origins.includes('*') && origins.length > 1)
    problems.push(
      `the CORS origins of ${place} are "*" and others, of which "*" is all: keep one or the others`,
    )
  if (credentials && origins.includes('*'))
    problems.push(
      `the CORS origins of ${place} are "*" with credentials, which browsers refuse: list the sites that may read, or set "credentials" to false`,
    )
  for (const name of [...headers, ...expose].filter(name => !FIELD_NAME.test(name)))
    problems.push(`the CORS header "${name}" of ${place} is no name of a header field: mend it`)
  if (methods.includes('ALL') && methods.length > 1)
    problems.push(`the CORS methods of ${place} are "ALL" and others: keep one or the others`)
  return problems
}

/** `*`, or as a browser writes it into `Origin` (RFC 6454 §6.2), of which the first label may be `*`. */
function isAllowedOrigin(text: string): boolean {
  if (text === '*') return true
  const plain = text.replace(/^(https?:\/\/)\*\.(?=[^*]+\.[^*.]+)/, '$1any.')
  return /^https?:\/\/[^*]+$/.test(plain) && URL.canParse(plain) && new URL(plain).origin === plain
}

/** Referrer Policy, §3. */
const REFERRER_POLICIES: readonly string[] = [
  ...['no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin'],
  ...['origin-when-cross-origin', 'strict-origin-when-cross-origin', 'unsafe-url'],
]

function securityProblems(security: NonNullable<ResponseHeaders['security']>, place: string): string[] {
  const { contentSecurityPolicy: csp, referrerPolicy, xssProtection: xss } = security
  const problems: string[] = []
  if (csp) problems.push(...valueProblem(csp.value, `the contentSecurityPolicy of ${place}`))
  if (referrerPolicy && !REFERRER_POLICIES.includes(referrerPolicy.value))
    problems.push(
      `the referrerPolicy "${referrerPolicy.value}" of ${place} is none: use one of ${REFERRER_POLICIES.join(', ')}`,
    )
  if (xss?.reportUri !== undefined) {
    problems.push(...valueProblem(xss.reportUri, `the reportUri of ${place}`))
    if (xss.modeBlock)
      problems.push(`the xssProtection of ${place} blocks and reports, of which browsers do one: keep one`)
  }
  return problems
}

function customProblems(custom: ResponseHeaders['custom'], place: string): string[] {
  return custom.flatMap(({ name, value }, at) => {
    const what = `the header "${name}" of ${place}`
    if (!FIELD_NAME.test(name)) return [`${what} is no name of a header field: use letters, digits and "-"`]
    if (isOwn(name)) return [`${what} is set by Sluice itself: use another name`]
    if (custom.findIndex(each => each.name.toLowerCase() === name.toLowerCase()) !== at)
      return [`${what} is listed twice: take one out`]
    return valueProblem(value, what)
  })
}

function valueProblem(value: string, what: string): string[] {
  if (value === '') return [`${what} has no value: give it one, or take it out`]
  return /^[\x20-\x7e]*$/.test(value) && value === value.trim()
    ? []
    : [`${what} may hold printable ASCII only, without spaces at its ends: mend it`]
}

/** What frames an answer, what tells how it came about, and what nodes say to each other. */
const OWN: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect', 'host'],
  ...['content-length', 'content-encoding', 'content-range', 'accept-ranges', 'via', 'age', 'warning'],
  ...['x-cache', 'cache-status', 'x-real-ip', 'x-forwarded-proto'],
])
const OWN_PREFIX = /^(?:sluice-|x-sluice-|proxy-|x-amz-cf-|x-edge-|x-accel-)/

function isOwn(name: string): boolean {
  const lower = name.toLowerCase()
  return OWN.has(lower) || OWN_PREFIX.test(lower)
}
