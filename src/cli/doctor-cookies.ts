import type { Explanation } from '../client/index.ts'
import type { Instant } from '../core/index.ts'
import type { RawUrl } from '../http/index.ts'
import { SERVER_OPTIONS, type CommandSpec, type Context } from './command.ts'
import { answerFindings } from './cookies/answer-rules.ts'
import { controlOf, type Control } from './cookies/asked-control.ts'
import { browserFindings } from './cookies/browser-rules.ts'
import type { CookieLine } from './cookies/cookie-line.ts'
import { ask, isThisMachine, type Answer } from './cookies/edge.ts'
import { clockFinding, corsFinding, dateOf, gateFindings, originOf } from './cookies/edge-rules.ts'
import { COOKIE_OPTIONS, headerOf } from './cookies/given.ts'
import { policyFindings } from './cookies/policy-rules.ts'
import { isGrantCookie, pairsOf, setFinding } from './cookies/set-rules.ts'
import { visitOf, wantedOf, type Visit, type Wanted } from './cookies/visit.ts'
import { good, problem, tellFindings, warning, type Finding } from './finding.ts'

export const doctorCookiesCommand: CommandSpec = {
  words: 'doctor cookies',
  takes: '<url>',
  summary: 'find out why signed cookies do not open a URL, and say how to mend it',
  options: [
    { flags: '--page <url>', description: 'the page that plays it, for CORS and SameSite' },
    ...COOKIE_OPTIONS,
    {
      flags: '--set-cookie <line>',
      description: 'a Set-Cookie line as the page or log-in sends it; may be repeated',
      repeat: 'many',
    },
    { flags: '--login <url>', description: 'ask this URL for the Set-Cookie lines' },
    ...SERVER_OPTIONS,
  ],
  run: async (context, [url = '']) =>
    tellFindings(context.output, await examine(context, wantedOf(context, url))),
}

async function examine(context: Context, wanted: Wanted): Promise<Finding[]> {
  const { media, page } = wanted
  const bare = await ask(media, originHeader(page))
  if (bare.kind === 'silent') {
    const mend = 'Start Sluice there, or mend the name or port.'
    return [problem('edge', `nothing answers at ${originOf(media)} (${bare.why})`, mend)]
  }
  const trusted = certificate(bare, media)
  if (trusted?.state === 'problem') return [trusted]
  const server = controlOf(context)
  const told = await server.explain(media)
  const gate = gateFindings(bare, told, media)
  const visit = await visitOf(context, wanted)
  if ('name' in visit) return [visit]
  const findings = [
    good('edge', `answers at ${originOf(media)}`),
    ...(trusted === undefined ? [] : [trusted]),
    ...(server.finding === undefined ? [] : [server.finding]),
    clockOf(context, bare, visit),
    ...gate,
  ]
  // Of a URL that is not gated, or not reached, cookies say nothing.
  if (gate.some(finding => finding.state === 'problem')) return findings
  return [
    ...findings,
    ...(await cors(visit)),
    ...(await cookieFindings(context, visit, server, { told, edgeNow: dateOf(bare) })),
  ]
}

async function cookieFindings(
  context: Context,
  { media, page, setter, cookies }: Visit,
  server: Control,
  { told, edgeNow }: { told: Explanation | undefined; edgeNow: Instant | undefined },
): Promise<Finding[]> {
  const issuers = told?.gate?.issuers.map(each => each.cookie) ?? []
  const now = context.terminal.now()
  if (cookies.kind === 'none') return [none()]
  const lines = cookies.kind === 'lines' ? stored(cookies.lines, issuers) : undefined
  const header = headerOf(lines === undefined ? cookies : { kind: 'lines', lines }) ?? ''
  const pairs = pairsOf(header)
  const token = pairs.find(each => issuers.includes(each.name))
  const browser = lines === undefined ? [] : browserFindings(lines, { setter, media, page, now })
  const own = pairs.some(isGrantCookie) || token === undefined
  const set = own ? [setFinding(pairs)] : [good('cookies', `${token.name}, a token of an issuer`)]
  const policy = own ? policyFindings(header, media, edgeNow ?? now) : []
  const before = [...browser, ...set, ...policy]
  const answer = await ask(media, { headers: { ...originHeader(page).headers, cookie: header } })
  const explained = await server.explain(media, header)
  return [...before, ...answerFindings(answer, explained, before)]
}

/** The last of one name, Domain and Path is what a browser keeps (RFC 6265bis §5.7). */
function stored(lines: readonly CookieLine[], issuers: readonly string[]): CookieLine[] {
  const kept = new Map<string, CookieLine>()
  for (const line of lines) {
    if (!isGrantCookie(line) && !issuers.includes(line.name)) continue
    kept.set(`${line.name}\n${line.domain ?? ''}\n${line.path ?? ''}`, line)
  }
  return [...kept.values()]
}

function none(): Finding {
  return warning(
    'cookies',
    'none were given, so only the edge was looked at',
    'Give them with --cookie, --set-cookie or --login; "sluice sign cookies PATH --format set-cookie" makes some.',
  )
}

async function cors({ media, page }: Visit): Promise<Finding[]> {
  if (page === undefined) return []
  const { headers } = originHeader(page)
  const asking = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'range' }
  const [preflight, read] = await Promise.all([
    ask(media, { method: 'OPTIONS', headers: { ...headers, ...asking } }),
    ask(media, { headers }),
  ])
  if (preflight.kind === 'silent' || read.kind === 'silent') return []
  return [corsFinding(page, media, { preflight, read })]
}

/** Whoever has a false clock signs false times; without --login the clock here stands for it. */
function clockOf(context: Context, edge: Answer, { signedAt }: Visit): Finding {
  return signedAt === undefined
    ? clockFinding(dateOf(edge), context.terminal.now(), 'the clock here')
    : clockFinding(dateOf(edge), signedAt, 'the clock of the log-in')
}

/** Cookies let in whoever has them, so they go to nobody who may be somebody else. */
function certificate({ distrust }: Answer, { host }: RawUrl): Finding | undefined {
  if (distrust === undefined) return undefined
  if (isThisMachine(host)) {
    const mend = 'Browsers refuse it until its authority is trusted: "sluice trust" prints how.'
    return warning('certificate', `not trusted here (${distrust})`, mend)
  }
  const mend = 'Give the edge a certificate that browsers trust; until then no cookies are sent to it.'
  return problem('certificate', `${host} shows one that is not trusted (${distrust})`, mend)
}

function originHeader(page: RawUrl | undefined): { headers: Record<string, string> } {
  return { headers: page === undefined ? {} : { origin: originOf(page) } }
}
