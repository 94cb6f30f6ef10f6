import { randomBytes } from 'node:crypto'
import { withoutFields, type FlatHeaders } from './headers.ts'

/** Of which trace a request is (W3C Trace Context). */
export interface TraceContext {
  /** 32 digits, in lower case. */
  traceId: string
  /** Whether whoever asked may have recorded it; passed on, and nothing here depends on it. */
  sampled: boolean
  /** `tracestate` as it came; undefined where there is none that could be passed on. */
  state: string | undefined
}

/** §3.2.2; a later version may have more behind it, and is read as far as it is known (§3.2.4). */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const NOTHING = /^0+$/
const SAMPLED = 1

/** What a request says of its trace; malformed, it begins a new one, and its state is of none (§4.3). */
export function readTrace(traceparent: string, tracestate: string | undefined): TraceContext {
  const [, version, traceId = '', parentId = '', flags = '', more] =
    TRACEPARENT.exec(traceparent.trim()) ?? []
  const isVersion = version !== undefined && version !== 'ff' && (version !== '00' || more === undefined)
  if (!isVersion || NOTHING.test(traceId) || NOTHING.test(parentId))
    return { traceId: idOf(16), sampled: false, state: undefined }
  return {
    traceId,
    sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0,
    state: tracestate === undefined ? undefined : readState(tracestate),
  }
}

/** What the next hop is asked with: the same trace, and a parent of its own. */
export function traceFields({ traceId, sampled, state }: TraceContext): FlatHeaders {
  const parent = ['traceparent', `00-${traceId}-${idOf(8)}-${sampled ? '01' : '00'}`]
  return state === undefined ? parent : [...parent, 'tracestate', state]
}

const NAMES: ReadonlySet<string> = new Set(['traceparent', 'tracestate'])

/** The viewer's own, which may be no trace at all, do not go beside ours. */
export function withTrace(headers: FlatHeaders, trace: FlatHeaders): FlatHeaders {
  return trace.length === 0 ? headers : [...withoutFields(headers, NAMES), ...trace]
}

const MOST_MEMBERS = 32
/** §3.3.1.5: so much has to be passed on; of what is longer nothing is. */
const LONGEST_STATE = 512
/** §3.3.1.3: a key, of one part or of two, and a value that does not end in a space. */
const MEMBER =
  /^(?:[a-z][\w\-*/]{0,255}|[a-z0-9][\w\-*/]{0,240}@[a-z][\w\-*/]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

function readState(text: string): string | undefined {
  if (text.length > LONGEST_STATE) return undefined
  const members = text
    .split(',')
    .map(each => each.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter(each => each !== '')
  const keys = new Set(members.map(each => each.slice(0, each.indexOf('='))))
  const isState =
    members.length > 0 &&
    members.length <= MOST_MEMBERS &&
    keys.size === members.length &&
    members.every(each => MEMBER.test(each) && !/[A-Z]/.test(each.slice(0, each.indexOf('='))))
  return isState ? members.join(',') : undefined
}

/** Not all zeros, which would be none. */
function idOf(bytes: number): string {
  const id = randomBytes(bytes).toString('hex')
  return NOTHING.test(id) ? idOf(bytes) : id
}
