import { instant, parseDuration, SluiceError, after, type Instant, type Milliseconds } from '../core/index.ts'
import {
  mayBeSecure,
  renderCookies,
  signCookies,
  signPath,
  signUrl,
  type CookieFormat,
  type SignedUrl,
  type Signer,
  type UrlTerms,
} from '../signing/index.ts'
import { SERVER_OPTIONS, text, type CommandSpec, type Context, type OptionSpec } from './command.ts'
import { connect, type Server } from './server.ts'
import { chooseSigner } from './signing-key.ts'
import { signTarget, type SignTarget } from './sign-target.ts'
import { viewersUrl } from './viewers.ts'
import { usage } from './usage.ts'

const TERMS: OptionSpec[] = [
  { flags: '--ttl <duration>', description: 'how long it opens, such as 90m or 12h (6h)' },
  { flags: '--ip <cidr>', description: 'only for viewers of this address range' },
  { flags: '--not-before <time>', description: 'not before this time, such as 2026-12-24T20:15:00Z' },
  { flags: '--key <id>', description: 'sign with this key' },
  { flags: '--key-file <file>', description: 'the private key, PEM' },
  ...SERVER_OPTIONS,
]

const FORMATS: readonly CookieFormat[] = ['json', 'curl', 'set-cookie']

const signCookiesCommand: CommandSpec = {
  words: 'sign cookies',
  takes: '<resource|path>',
  summary: 'print signed cookies, for many files',
  options: [...TERMS, { flags: '--format <format>', description: 'json, curl or set-cookie (json)' }],
  run: async (context, [target = '']) => {
    const format = formatOf(context)
    const { signer, found, terms } = await prepare(context, target)
    const cookies = signCookies(signer, { ...terms, resource: found.resource })
    context.output.say(`opens ${found.resource} until ${isoTime(terms.expires)}`)
    const secure = found.site !== undefined && mayBeSecure(found.site)
    context.output.result(cookies, renderCookies(cookies, format, { path: cookiePath(found), secure }))
  },
}

const signUrlCommand: CommandSpec = {
  words: 'sign url',
  takes: '<resource|path>',
  summary: 'print a signed URL, for one file',
  options: TERMS,
  run: (context, [target = '']) => printUrl(context, target, signUrl),
}

const signPathCommand: CommandSpec = {
  words: 'sign path',
  takes: '<resource|path>',
  summary: 'print a URL with a path token, for players that keep no cookies',
  options: TERMS,
  run: (context, [target = '']) => printUrl(context, target, signPath),
}

export const signCommands: CommandSpec[] = [signCookiesCommand, signUrlCommand, signPathCommand]

interface Prepared {
  signer: Signer
  found: SignTarget
  terms: Omit<UrlTerms, 'resource'>
  server: () => Server
}

async function prepare(context: Context, target: string): Promise<Prepared> {
  const terms = termsOf(context)
  const server = once(() => connect(context))
  const found = await signTarget(target, server)
  const signer = await chooseSigner(context, reachable(server), found.place)
  return { signer, found, terms, server }
}

async function printUrl(
  context: Context,
  target: string,
  sign: (signer: Signer, url: string, terms: UrlTerms) => SignedUrl,
): Promise<void> {
  const { signer, found, terms, server } = await prepare(context, target)
  const opens = await found.opens()
  if (opens === undefined) {
    throw usage(
      'bad-target',
      `"${target}" names no single URL: put its wildcard at the end, or sign cookies.`,
    )
  }
  const site = found.site ?? (await viewersUrl(server()))
  // A URL that stands for itself needs no policy of its own.
  const itself = found.resource === `${site}${opens}`
  const signed = sign(signer, `${site}${opens}`, itself ? terms : { ...terms, resource: found.resource })
  const value = { url: signed.url, resource: signed.resource, expires: isoTime(signed.expires) }
  context.output.say(`opens ${value.resource} until ${value.expires}`)
  context.output.result(value, value.url)
}

function termsOf(context: Context): Omit<UrlTerms, 'resource'> {
  const { options, terminal } = context
  const begins = text(options, 'notBefore')
  const address = text(options, 'ip')
  return {
    expires: after(terminal.now(), ttlOf(context, '6h')),
    ...(begins === undefined ? {} : { notBefore: timeOf(begins) }),
    ...(address === undefined ? {} : { address }),
  }
}

/** How long a grant is to hold; throws a usage error for what is no duration. */
export function ttlOf({ options }: Context, fallback: string): Milliseconds {
  const ttl = text(options, 'ttl') ?? fallback
  const span = parseDuration(ttl)
  if (span !== undefined && span >= 1000) return span
  throw usage('bad-ttl', `--ttl ${ttl} is no duration: write it as 90m, 12h or 7d.`)
}

function timeOf(written: string): Instant {
  const time = /^\d{9,11}$/.test(written) ? Number(written) * 1000 : Date.parse(written)
  if (Number.isNaN(time)) {
    throw usage(
      'bad-time',
      `--not-before ${written} is no time: write it as 2026-12-24T20:15:00Z or in Unix seconds.`,
    )
  }
  return instant(time)
}

function formatOf({ options }: Context): CookieFormat {
  const asked = text(options, 'format') ?? 'json'
  const format = FORMATS.find(each => each === asked)
  if (format === undefined)
    throw usage('bad-format', `--format ${asked} is unknown: use ${FORMATS.join(', ')}.`)
  return format
}

/** The folder that the grant opens, so that cookies of several grants do not overwrite each other. */
function cookiePath({ place }: SignTarget): string {
  const fixed = place.path.replace(/\*.*$/, '')
  return fixed.slice(0, fixed.lastIndexOf('/') + 1) || '/'
}

/** Keys in a file or the data folder sign without any server. */
function reachable(server: () => Server): Server | undefined {
  try {
    return server()
  } catch (error) {
    if (error instanceof SluiceError && (error.code === 'no-server' || error.code === 'no-token'))
      return undefined
    throw error
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** Whole seconds, as policies count. */
export function isoTime(time: Instant): string {
  return new Date(Math.floor(time / 1000) * 1000).toISOString().replace('.000Z', 'Z')
}
