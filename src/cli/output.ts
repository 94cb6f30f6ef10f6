import type { TextSink } from './command.ts'

/**
 * Results go to stdout, what is said to people to stderr. With --json stdout gets one JSON value on its last line and
 * nothing else (INTERFACE.md, "Command line").
 */
export class Output {
  readonly json: boolean
  #stdout: TextSink
  #stderr: TextSink
  #colours: boolean

  constructor(
    stdout: TextSink,
    stderr: TextSink,
    options: { json: boolean; env: Record<string, string | undefined> },
  ) {
    this.json = options.json
    this.#stdout = stdout
    this.#stderr = stderr
    this.#colours = stderr.isTTY === true && !options.env['NO_COLOR'] && options.env['TERM'] !== 'dumb'
  }

  /** The one result of a command: the value for scripts, the text for people. */
  result(value: unknown, textForPeople: string): void {
    if (this.json) this.#stdout.write(`${JSON.stringify(value)}\n`)
    else if (textForPeople !== '') this.#stdout.write(`${textForPeople}\n`)
  }

  say(line: string): void {
    this.#stderr.write(`${line}\n`)
  }

  warn(sentence: string): void {
    this.say(`${this.#paint('33', 'warning:')} ${sentence}`)
  }

  error(sentence: string): void {
    this.say(`${this.#paint('31', 'error:')} ${sentence}`)
  }

  /** For progress that is drawn over itself: only where a person looks. */
  get drawsProgress(): boolean {
    return this.#stderr.isTTY === true
  }

  #paint(code: string, word: string): string {
    return this.#colours ? `\u001b[${code}m${word}\u001b[0m` : word
  }
}

/** Columns of equal width with a heading, for people. */
export function table(heading: string[], rows: string[][]): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map(row => (row[column] ?? '').length)),
  )
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(heading), ...rows.map(line)].join('\n')
}
