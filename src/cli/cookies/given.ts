import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { codeOf, messageOf } from '../../core/index.ts'
import { text, type Context, type OptionSpec } from '../command.ts'
import { usage } from '../usage.ts'
import { parseCookieLine, type CookieLine } from './cookie-line.ts'

/** Cookies that somebody gave: with the attributes that they were set with, or as a browser sends them. */
export type GivenCookies =
  | { kind: 'none' }
  /** The value of a Cookie header. */
  | { kind: 'header'; header: string }
  | { kind: 'lines'; lines: CookieLine[] }

export const COOKIE_OPTIONS: OptionSpec[] = [
  { flags: '--cookie <cookies>', description: 'the cookies as a browser sends them: "a=b; c=d"' },
  {
    flags: '--cookie-file <file>',
    description: 'the same from a file, or "-" for stdin; as "sign cookies" prints them, in any format',
  },
]

/** Reads --cookie or --cookie-file. */
export function givenCookies(context: Context): GivenCookies {
  const { options, terminal } = context
  const header = text(options, 'cookie')
  const file = text(options, 'cookieFile')
  if (header !== undefined && file !== undefined)
    throw usage('two-cookies', 'Give the cookies once: with --cookie or with --cookie-file.')
  if (header !== undefined) return { kind: 'header', header: header.replace(/^cookie:\s*/i, '') }
  return file === undefined ? { kind: 'none' } : readCookieText(readText(file, terminal.cwd))
}

/** A Cookie header, lines of Set-Cookie, curl's `-b` options, or the JSON of `sign cookies`. */
export function readCookieText(written: string): GivenCookies {
  const content = written.trim()
  if (content === '') return { kind: 'none' }
  if (/^set-cookie:/im.test(content)) return { kind: 'lines', lines: content.split(/\r?\n/).flatMap(lineOf) }
  if (content.startsWith('{')) return { kind: 'header', header: ofJson(content) }
  const curl = [...content.matchAll(/(?:^|\s)-b\s+(\S+)/g)].map(([, pair = '']) => pair)
  if (curl.length > 0) return { kind: 'header', header: curl.join('; ') }
  return { kind: 'header', header: content.replace(/^cookie:\s*/i, '').replace(/\r?\n/g, '; ') }
}

/** What a request would carry of them, wherever they would be sent. */
export function headerOf(given: GivenCookies): string | undefined {
  switch (given.kind) {
    case 'none':
      return undefined
    case 'header':
      return given.header
    case 'lines':
      return given.lines.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}

function lineOf(line: string): CookieLine[] {
  return /^set-cookie:/i.test(line) ? [parseCookieLine(line.slice('set-cookie:'.length))] : []
}

function ofJson(content: string): string {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    throw usage('bad-cookies', 'The cookies begin like JSON and are none: give what "sign cookies" printed.')
  }
  return Object.entries(value as Record<string, unknown>) // it begins with a brace
    .filter((pair): pair is [string, string] => typeof pair[1] === 'string')
    .map(([name, each]) => `${name}=${each}`)
    .join('; ')
}

function readText(file: string, cwd: string): string {
  try {
    return readFileSync(file === '-' ? 0 : resolve(cwd, file), 'utf8')
  } catch (error) {
    throw usage('unreadable', `${file} cannot be read (${codeOf(error) ?? messageOf(error)}).`)
  }
}
