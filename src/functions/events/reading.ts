import { canonicalPath, type CanonicalPath } from '../../core/index.ts'
import type { Json } from '../contract.ts'
import { unusable, type Unusable } from './seen.ts'

export type Fields = { [name: string]: Json }

/** Whatever a function gives is looked at by these; none of them throws. */
export function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function own(value: Fields, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

export type Value<T> = { kind: 'value'; value: T }

export function value<T>(of: T): Value<T> {
  return { kind: 'value', value: of }
}

/** As long as a viewer's may be. */
const LONGEST = 8192

/** The path that a function asks for in place of the viewer's; undefined where it left that as it was. */
export function readUri(given: Json | undefined, was: string): Value<CanonicalPath | undefined> | Unusable {
  if (given === undefined || given === was) return value(undefined)
  if (typeof given !== 'string' || !given.startsWith('/'))
    return unusable('function-result', 'it gave a uri that does not begin with a slash')
  if (given.length > LONGEST)
    return unusable('function-result', `it gave a uri of more than ${LONGEST} bytes`)
  const canonical = canonicalPath(given)
  if (canonical.kind === 'bad')
    return unusable('function-result', `it gave a uri that cannot be read (${canonical.why})`)
  if (canonical.path.startsWith('/.sluice/'))
    return unusable('function-result', 'it gave a uri below /.sluice/, which is no site’s')
  return value(canonical.path)
}

/** What no query may hold is escaped. */
export function escapedQuery(text: string): string {
  return escaped(text, /[^\x21-\x7e]|#/gu)
}

/** The same of one of its names or values. */
export function escapedPart(text: string, of: 'name' | 'value'): string {
  return escaped(text, of === 'name' ? /[^\x21-\x7e]|[#&=]/gu : /[^\x21-\x7e]|[#&]/gu)
}

function escaped(text: string, what: RegExp): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd').replace(what, each => encodeURIComponent(each))
}

export function readQueryText(text: string): Value<string> | Unusable {
  const query = escapedQuery(text)
  return query.length > LONGEST
    ? unusable('function-result', `it gave a query of more than ${LONGEST} bytes`)
    : value(query)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/** A body as text or base64, up to so many bytes. */
export function readBytes(
  data: Json | undefined,
  encoding: Json | undefined,
  most: number,
): Value<Uint8Array> | Unusable {
  if (typeof data !== 'string') return unusable('function-result', 'it gave a body that is no text')
  if (encoding !== undefined && encoding !== 'text' && encoding !== 'base64')
    return unusable('function-result', 'it gave a body in an encoding that is neither text nor base64')
  // A text of n characters is n bytes at least, and base64 three for four.
  if (data.length > 2 * most + 4) return tooLarge(most)
  if (encoding === 'base64' && !BASE64.test(data))
    return unusable('function-result', 'it gave a body that is no base64')
  const bytes = Buffer.from(data, encoding === 'base64' ? 'base64' : 'utf8')
  return bytes.length > most ? tooLarge(most) : value(bytes)
}

function tooLarge(most: number): Unusable {
  return unusable('function-output', `it gave a body of more than ${most} bytes`)
}

/** Of an answer: one that may be the last word on a request. */
export function readStatus(given: Json | undefined): Value<number> | Unusable {
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
    ? value(status)
    : unusable('function-result', 'it gave a status that is no number from 200 to 599')
}
