import type { Explanation } from '../../client/index.ts'
import type { Instant, Milliseconds } from '../../core/index.ts'
import type { RawUrl } from '../../http/index.ts'
import { good, problem, warning, type Finding } from '../finding.ts'
import type { Answer } from './edge.ts'

/** Policies are written by the clocks of other machines. */
const CLOCK_LIMIT: Milliseconds = 30_000

/** How far the clock of who signs is from the edge's, by two Date headers or a Date and a clock here. */
export function clockFinding(edge: Instant | undefined, other: Instant | undefined, whose: string): Finding {
  if (edge === undefined || other === undefined) {
    const mend = 'Compare the clocks of the machines that sign and serve by hand.'
    return warning('clock', 'somebody does not tell the time', mend)
  }
  const apart = Math.abs(edge - other)
  const found = `${whose} is ${Math.round(apart / 1000)} s ${other > edge ? 'ahead of' : 'behind'} the edge's`
  // Date headers count whole seconds.
  if (apart < 2000) return good('clock', `${whose} agrees with the edge's`)
  if (apart <= CLOCK_LIMIT) return good('clock', found)
  return problem(
    'clock',
    found,
    'Set the clocks, best by a time service such as chrony or systemd-timesyncd.',
  )
}

export function dateOf({ headers }: Answer): Instant | undefined {
  const told = Date.parse(headers.date ?? '')
  return Number.isNaN(told) ? undefined : (told as Instant)
}

/** What the edge says to somebody without cookies, which should be no. */
export function gateFindings(answer: Answer, told: Explanation | undefined, media: RawUrl): Finding[] {
  const { status, headers } = answer
  const reason = reasonOf(answer)
  if (reason === 'missing') return [good('gate', `without cookies the answer is ${status}, missing`)]
  if (reason === 'unknown-host') {
    const mend = `Make ${media.host} an alias of the distribution that is meant.`
    return [problem('host', `the edge answers to no such name as ${media.host}`, mend)]
  }
  const location = headers.location
  if (reason === 'https-only' || (status >= 300 && status < 400 && location?.startsWith('https:') === true)) {
    return [problem('protocol', 'this path is served by https only', 'Write https:// in the URL.')]
  }
  if (reason === 'bad-path') {
    return [
      problem('path', 'the path cannot be made canonical', 'Write it without "..", "\\" and broken escapes.'),
    ]
  }
  if (status === 403 && reason === undefined) {
    const mend = 'Ask Sluice directly; a proxy or a firewall before it may answer in its place.'
    return [
      problem('gate', 'the answer is 403 without X-Sluice-Reason: it is not an edge that answers', mend),
    ]
  }
  if (status >= 500) {
    return [
      problem('edge', `the edge answers ${status}`, 'Look at its log; "sluice doctor" looks at the nodes.'),
    ]
  }
  return [ungated(status, told)]
}

function ungated(status: number, told: Explanation | undefined): Finding {
  const open = `without cookies the answer is ${status}: nothing gates this URL`
  if (told === undefined) {
    return problem('gate', open, 'Put a behaviour with a gate on its path before those that match it.')
  }
  const first = told.behaviours.find(each => each.chosen)
  const later = told.behaviours.find(each => each.matches && each.gated && !each.chosen)
  const where = `distribution ${told.distribution?.id ?? ''}`
  if (later && first) {
    const found = `${open}. ${first.pattern} comes before ${later.pattern}, and the first that matches decides`
    return problem('behaviour order', found, `Put ${later.pattern} before ${first.pattern} in ${where}.`)
  }
  const pattern = told.path.canonical?.replace(/[^/]*$/, '*') ?? '/*'
  const gates = told.behaviours.filter(each => each.gated).map(each => each.pattern)
  const others = gates.length === 0 ? '' : `; gated are ${gates.join(', ')}`
  return problem('gate', `${open}${others}`, `Put a behaviour ${pattern} with a gate first in ${where}.`)
}

export function reasonOf({ headers }: Answer): string | undefined {
  const reason = headers['x-sluice-reason']
  return typeof reason === 'string' ? reason : undefined
}

/** What a browser makes of the answers to a page of another origin, asked with credentials (Fetch, "CORS protocol"). */
export function corsFinding(
  page: RawUrl,
  media: RawUrl,
  answers: { preflight: Answer; read: Answer },
): Finding {
  const origin = originOf(page)
  if (origin === originOf(media)) return good('CORS', 'page and media are one origin')
  for (const [name, { headers, status }] of Object.entries(answers)) {
    const what = name === 'read' ? 'the answer' : 'the preflight'
    const allowed = headers['access-control-allow-origin']
    const credentials = headers['access-control-allow-credentials']
    if (name === 'preflight' && (status < 200 || status > 299)) {
      const mend =
        'Let OPTIONS through to the edge: a proxy before it must not ask for cookies or passwords there.'
      return problem('CORS', `the preflight is answered with ${status}`, mend)
    }
    if (allowed === '*') {
      const mend = `Let no proxy add it; the edge itself names the origin where the behaviour is gated.`
      return problem('CORS', `${what} allows "*", which counts for nothing where cookies are sent`, mend)
    }
    if (allowed !== origin) {
      const mend = `Add ${origin} to the corsOrigins of the behaviour that gates this path.`
      const found =
        allowed === undefined
          ? `${what} does not allow ${origin}`
          : `${what} allows ${allowed}, not ${origin}`
      return problem('CORS', found, mend)
    }
    if (credentials !== 'true') {
      const mend = 'Let a proxy before the edge keep Access-Control-Allow-Credentials.'
      return problem('CORS', `${what} does not allow credentials`, mend)
    }
  }
  return good(
    'CORS',
    `${origin} may read with credentials; the player must ask with them (withCredentials, crossorigin="use-credentials")`,
  )
}

export function originOf({ scheme, authority }: RawUrl): string {
  return new URL(`${scheme}://${authority}`).origin
}
