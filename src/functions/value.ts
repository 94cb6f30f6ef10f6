import type { Json, Limits, OriginChange, Outcome } from './contract.ts'
import { asOriginChange } from './events/index.ts'
import { isFields, own } from './events/reading.ts'
import { MOST_LOGGED } from './limits.ts'
import type { FromRun } from './protocol.ts'

/** How deep a returned value may be, so that whoever reads it may call himself for what is inside. */
const DEEPEST = 64

/** What a thread has said of a run, as its outcome. */
export function outcomeOf(said: FromRun, limits: Limits): Outcome {
  const used = Math.min(100, Math.round((said.busy / limits.nominal) * 100))
  const { logs, origin } = restOf(said.rest)
  const failed = (reason: (FromRun & { how: string })['how'], message: string): Outcome => ({
    kind: 'failed',
    reason: reason === 'v' ? 'function-failed' : reason,
    message,
    logs,
    used,
  })
  if (said.how !== 'v') return failed(said.how, said.text)
  if (Buffer.byteLength(said.text) > limits.output) {
    return failed('function-output', `what the handler returned is longer than ${limits.output} bytes`)
  }
  if (isDeep(said.text))
    return failed('function-result', `what the handler returned is deeper than ${DEEPEST}`)
  if (origin === 'unreadable')
    return failed('function-result', 'what it said of the origin is no change of one')
  const value = parsed(said.text)
  return { kind: 'returned', value, ...(origin === undefined ? {} : { origin }), logs, used }
}

interface Rest {
  logs: readonly string[]
  origin?: OriginChange | 'unreadable'
}

/** The author's code shares a language with what makes this text, so that nothing in it is believed. */
function restOf(text: string): Rest {
  const told = text === '' ? null : parsed(text)
  if (!isFields(told)) return { logs: [] }
  const [lines, change] = [own(told, 'logs'), own(told, 'origin')]
  const logs = logsOf(Array.isArray(lines) ? lines : [])
  return change === undefined ? { logs } : { logs, origin: asOriginChange(change) ?? 'unreadable' }
}

function logsOf(lines: readonly Json[]): string[] {
  let left = MOST_LOGGED
  return lines.flatMap(line => {
    if (typeof line !== 'string' || left <= 0) return []
    const cut = line.slice(0, left)
    left -= cut.length + 1
    return [cut]
  })
}

/** JSON as a value. `__proto__` is a name as any other to JSON, and the end of many a copying loop: it is left out. */
function parsed(text: string): Json {
  const isPlain = !text.includes('__proto__') && !text.includes('\\u00')
  const value: unknown = isPlain
    ? JSON.parse(text)
    : JSON.parse(text, (name, inner: unknown) => (name === '__proto__' ? undefined : inner))
  return value as Json // it has just been parsed
}

/** Whether JSON has more levels than `DEEPEST`. */
function isDeep(text: string): boolean {
  let depth = 0
  let isInside = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) isInside = !isInside
    else if (isInside && code === 0x5c) at++
    else if (isInside) continue
    else if (code === 0x7b || code === 0x5b) {
      if (++depth > DEEPEST) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}
