import type { Instant } from '../../core/index.ts'
import { readRawUrl, type RawUrl } from '../../http/index.ts'
import { findCarrier, takePathToken } from '../../signing/index.ts'
import { text, type Context } from '../command.ts'
import { problem, type Finding } from '../finding.ts'
import { usage } from '../usage.ts'
import { parseCookieLine } from './cookie-line.ts'
import { ask } from './edge.ts'
import { dateOf, originOf } from './edge-rules.ts'
import { givenCookies, type GivenCookies } from './given.ts'

/** What the command line names. */
export interface Wanted {
  media: RawUrl
  page: RawUrl | undefined
  login: RawUrl | undefined
  given: GivenCookies
}

/** What is looked at: the media, the page, and who sets the cookies. */
export interface Visit {
  media: RawUrl
  page: RawUrl | undefined
  setter: RawUrl
  cookies: GivenCookies
  /** Of who signs, where it told. */
  signedAt: Instant | undefined
}

/** Throws a usage error for what cannot be asked for. */
export function wantedOf(context: Context, url: string): Wanted {
  return {
    media: mediaUrl(url),
    page: urlOption(context, 'page'),
    login: urlOption(context, 'login'),
    given: givenCookies(context),
  }
}

/** Asks the log-in where one is named; a finding when that cannot be done. */
export async function visitOf(context: Context, wanted: Wanted): Promise<Visit | Finding> {
  const { media, page, login, given } = wanted
  const written = context.options['setCookie']
  const base = { media, page, setter: login ?? page ?? media, signedAt: undefined }
  if (Array.isArray(written)) {
    const lines = written.map(line => parseCookieLine(line.replace(/^set-cookie:\s*/i, '')))
    return { ...base, cookies: { kind: 'lines', lines } }
  }
  if (given.kind !== 'none' || login === undefined) return { ...base, cookies: given }
  const answer = await ask(login)
  if (answer.kind === 'silent') {
    return problem(
      'login',
      `nothing answers at ${originOf(login)} (${answer.why})`,
      'Mend the URL of --login.',
    )
  }
  const lines = (answer.headers['set-cookie'] ?? []).map(parseCookieLine)
  if (lines.length > 0) return { ...base, cookies: { kind: 'lines', lines }, signedAt: dateOf(answer) }
  const mend = 'Log in with a browser and give the Set-Cookie lines of its answer with --set-cookie.'
  return problem('login', `the answer (${answer.status}) sets no cookies`, mend)
}

function mediaUrl(given: string): RawUrl {
  const url = webUrl(given, 'The URL')
  const { token, jwt } = takePathToken(url.path)
  if (token !== undefined || jwt !== undefined || findCarrier({ query: url.query }).kind !== 'none') {
    const mend =
      'Leave out what is signed in the URL: it counts before cookies. "sluice explain URL" explains it.'
    throw usage('signed-url', mend)
  }
  return url
}

function urlOption({ options }: Context, name: 'page' | 'login'): RawUrl | undefined {
  const given = text(options, name)
  return given === undefined ? undefined : webUrl(given, `--${name}`)
}

/** Encoders' URLs can be read too, but no browser asks for them. */
const OF_BROWSERS = /^\s*https?:\/\//i

function webUrl(given: string, what: string): RawUrl {
  const read = OF_BROWSERS.test(given)
    ? readRawUrl(given)
    : { kind: 'bad' as const, why: 'begin it with "http://" or "https://"' }
  if (read.kind === 'bad') throw usage('bad-url', `${what} cannot be asked for: ${read.why}.`)
  return read.url
}
