/** What a person sees on the terminal of a role's log line: its warnings and errors, one short line each. */
export function humanLine(role: string, stream: 'stdout' | 'stderr', line: string): string | undefined {
  const event = parse(line)
  if (event === undefined) {
    // What is no event of ours is the runtime speaking: a crash, a failed assertion.
    return stream === 'stderr' && line.trim() !== '' ? `${role}: ${short(line)}` : undefined
  }
  if (event.level < WARN) return undefined
  const word = event.level >= ERROR ? 'error' : 'warning'
  const why = event.error === undefined || event.error === event.msg ? '' : `: ${event.error}`
  return `${role}: ${word}: ${short(`${event.msg}${why}`)}`
}

/** pino's numbers. */
const WARN = 40
const ERROR = 50
const LONGEST = 300

function parse(line: string): { level: number; msg: string; error: string | undefined } | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value = JSON.parse(line) as Record<string, unknown> // a line that begins with { is an object or no JSON
    if (typeof value['level'] !== 'number') return undefined
    return {
      level: value['level'],
      msg: textOf(value['msg']) ?? 'no message',
      error: textOf(value['error'] ?? value['err'] ?? value['why']),
    }
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null && 'message' in value) return textOf(value.message)
  return undefined
}

function short(text: string): string {
  const oneLine = text.replace(/\s+/g, ' ').trim()
  return oneLine.length <= LONGEST ? oneLine : `${oneLine.slice(0, LONGEST - 1)}…`
}
