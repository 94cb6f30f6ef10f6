/** One `sh` block of a page. */
export interface Block {
  /** Where its fence stands, from 1. */
  line: number
  text: string
  /** What the texts `# → …` behind its commands say that it prints, in order. */
  prints: string[]
  mode: Mode
}

export type Mode =
  | { kind: 'runs' }
  /** Left running beside the blocks that follow; they begin when it has printed this. */
  | { kind: 'stays'; until: string }
  /** The same, and a later block makes it end, with whatever code. */
  | { kind: 'is-cut'; until: string }
  /** Run when everything that stays has been stopped. */
  | { kind: 'after-stopping' }
  | { kind: 'not-run'; reason: string }

const FENCE = /^(?:<!-- (?<comment>.*?) -->\n+)?```(?<language>\w*)\n(?<text>[\s\S]*?)^```$/gm

/** The `sh` blocks of a page, in order. Throws a sentence for a comment that is none of ours. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(FENCE)].flatMap(match => {
    const { comment, language, text = '' } = match.groups ?? {}
    if (language !== 'sh') return []
    const fence = match.index + match[0].indexOf('```')
    const line = page.slice(0, fence).split('\n').length
    const prints = [...text.matchAll(/# → (.+)$/gm)].map(([, what]) => (what ?? '').trim())
    return [{ line, text, prints, mode: modeOf(comment, line) }]
  })
}

function modeOf(comment: string | undefined, line: number): Mode {
  if (comment === undefined) return { kind: 'runs' }
  const [, word, rest] = /^(not run|stays|stays, then is cut|after stopping)(?:: (.+))?$/.exec(comment) ?? []
  if (word === 'after stopping') return { kind: 'after-stopping' }
  if (word === 'not run' && rest !== undefined) return { kind: 'not-run', reason: rest }
  if (word === 'stays, then is cut' && rest !== undefined) return { kind: 'is-cut', until: rest }
  if (word === 'stays' && rest !== undefined) return { kind: 'stays', until: rest }
  throw new Error(`The block at line ${line} has a comment that the test does not know: ${comment}`)
}

/** The same text with other port numbers: the only thing that the test changes. */
export function withPorts(text: string, ports: ReadonlyMap<string, string>): string {
  return text.replace(/:(\d{4,5})\b/g, (whole, port: string) =>
    ports.has(port) ? `:${ports.get(port)}` : whole,
  )
}
