import { Lru } from '../../core/index.ts'
import type { Cors } from '../../distribution/index.ts'
import { fieldValue, withoutFields, type FlatHeaders } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'

/** Who may read answers, as an operator's policy has it. */
export interface CorsRules {
  /** Whether it stands in place of what the origin says. */
  readonly overrides: boolean
  /** The same for everybody: nothing of a request decides. */
  readonly open: boolean
  readonly admits: (origin: string) => boolean
  readonly answer: readonly string[]
  /** Beside the others, of the answer to a preflight. */
  readonly preflight: readonly string[]
}

const ALL = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE']

export function compileCors(cors: Cors): CorsRules {
  const { origins, methods, headers, expose, maxAge, credentials, override } = cors
  const open = origins.includes('*')
  const named = methods.includes('ALL') ? ALL : methods
  return {
    ...{ overrides: override, open, admits: admitting(origins) },
    answer: [
      // Nobody but who is named may read with credentials (Fetch, "CORS protocol and credentials").
      ...(credentials && !open ? ['Access-Control-Allow-Credentials', 'true'] : []),
      ...(expose.length > 0 ? ['Access-Control-Expose-Headers', expose.join(', ')] : []),
    ],
    preflight: [
      ...['Access-Control-Allow-Methods', named.join(', ')],
      ...['Access-Control-Allow-Headers', headers.join(', ')],
      ...(maxAge === undefined ? [] : ['Access-Control-Max-Age', String(maxAge)]),
    ],
  }
}

/** `https://*.site.example` is any host below it; without a scheme, either. */
function admitting(origins: readonly string[]): (origin: string) => boolean {
  const patterns = origins.map(each => {
    const [before = '', after] = each.toLowerCase().split('*').map(quoted)
    const scheme = each.includes('://') ? '' : 'https?://'
    return after === undefined ? `${scheme}${before}` : `${scheme}${before}[a-z0-9.-]+${after}`
  })
  const pattern = new RegExp(`^(?:${patterns.join('|')})$`)
  const known = new Lru<string, boolean>({ max: 100 })
  return origin => {
    let admitted = known.get(origin)
    if (admitted === undefined) {
      admitted = pattern.test(origin.toLowerCase())
      if (origin.length <= LONGEST_REMEMBERED) known.set(origin, admitted)
    }
    return admitted
  }
}

const LONGEST_REMEMBERED = 300

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/** Fetch, "CORS-preflight request": what a browser asks before it asks. */
export function isPreflight(x: Exchange): boolean {
  if (x.request.method !== 'OPTIONS' || x.header('origin') === undefined) return false
  return x.header('access-control-request-method') !== undefined
}

/** The fields of an answer with what the policy says of its readers. Where it does not override, the origin's word holds whole. */
export function withCors(x: Exchange, rules: CorsRules, headers: FlatHeaders): FlatHeaders {
  const { overrides, open, admits, answer, preflight } = rules
  if (!overrides && fieldValue(headers, 'access-control-allow-origin') !== undefined) return headers
  const others = withoutFields(headers, OF_CORS)
  const origin = x.header('origin')
  const own: string[] = []
  if (open || (origin !== undefined && admits(origin))) {
    own.push('Access-Control-Allow-Origin', open ? '*' : (origin ?? ''), ...answer)
    if (isPreflight(x)) own.push(...preflight)
  }
  if (!open) own.push('Vary', 'Origin')
  return [...others, ...own]
}

const OF_CORS: ReadonlySet<string> = new Set([
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-headers'],
  ...['access-control-allow-methods', 'access-control-expose-headers', 'access-control-max-age'],
])
