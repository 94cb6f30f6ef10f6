import { isDeepStrictEqual } from 'node:util'
import { fields, type FlatHeaders } from '../../http/index.ts'
import type { Json } from '../contract.ts'
import { escapedPart, isFields, own, readQueryText, value, type Fields, type Value } from './reading.ts'
import { unusable, type Unusable } from './seen.ts'

/** Several values of each name: `{ name: { value, multiValue? } }`, as CloudFront Functions have all of theirs. */
export type Pairs = readonly (readonly [name: string, value: string, attributes?: string])[]

export function valuesOf(pairs: Pairs): Fields {
  const made = new Map<string, Fields>()
  for (const [name, text, attributes] of pairs) {
    const one: Fields = attributes === undefined ? { value: text } : { value: text, attributes }
    const first = made.get(name)
    made.set(name, first === undefined ? one : withOneMore(first, one))
  }
  return Object.fromEntries(made)
}

function withOneMore(first: Fields, one: Fields): Fields {
  const { multiValue } = first
  return { ...first, multiValue: Array.isArray(multiValue) ? [...multiValue, one] : [first, one] }
}

/**
 * The pairs of such an object. Of a name with several values the list counts where the function has changed it, or where
 * it has left the first as it was (CloudFront).
 */
export function readValues(given: Json | undefined, was: Fields, what: string): Value<Pairs> | Unusable {
  if (!isFields(given)) return unusable('function-result', `it gave ${what} that are no object`)
  const pairs: [string, string, string?][] = []
  for (const [name, each] of Object.entries(given)) {
    if (!isFields(each)) return unusable('function-result', `it gave ${what} with a value that is no object`)
    const before = own(was, name)
    const many = own(each, 'multiValue')
    const listCounts =
      Array.isArray(many) &&
      !(
        isFields(before) &&
        isDeepStrictEqual(own(before, 'multiValue'), many) &&
        own(before, 'value') !== own(each, 'value')
      )
    for (const one of listCounts ? many : [each]) {
      const pair = isFields(one) ? pairOf(name, one) : undefined
      if (pair === undefined)
        return unusable('function-result', `it gave ${what} with a value that is no text`)
      pairs.push(pair)
    }
  }
  return value(pairs)
}

function pairOf(name: string, one: Fields): [string, string, string?] | undefined {
  const [text, attributes] = [own(one, 'value'), own(one, 'attributes')]
  // Functions count and compare: a number is as good as its text.
  const plain = typeof text === 'number' || typeof text === 'boolean' ? String(text) : text
  if (typeof plain !== 'string') return undefined
  if (attributes === undefined) return [name, plain]
  return typeof attributes === 'string' ? [name, plain, attributes] : undefined
}

export function queryValues(query: string): Fields {
  if (query === '') return {}
  return valuesOf(
    query.split('&').map(part => {
      const [name = ''] = part.split('=', 1)
      return [name, part.slice(name.length + 1)]
    }),
  )
}

/** Undefined where it is as it was: a query is told by what it says, and sent as the viewer has spelt it. */
export function readQuery(given: Json | undefined, was: string): Value<string | undefined> | Unusable {
  const before = queryValues(was)
  if (given === undefined || isDeepStrictEqual(given, before)) return value(undefined)
  const read = readValues(given, before, 'query parameters')
  if (read.kind !== 'value') return read
  const parts = read.value.map(([name, text]) =>
    text === '' ? escapedPart(name, 'name') : `${escapedPart(name, 'name')}=${escapedPart(text, 'value')}`,
  )
  return readQueryText(parts.join('&'))
}

export function headerValues(headers: FlatHeaders): Fields {
  return valuesOf([...fields(headers)].filter(([name]) => name !== 'cookie' && name !== 'set-cookie'))
}

export function cookieValues(header: string | undefined): Fields {
  if (header === undefined) return {}
  return valuesOf(
    header.split(';').flatMap(each => {
      const text = each.trim()
      const [name = ''] = text.split('=', 1)
      return name === '' ? [] : [[name, text.slice(name.length + 1)] as const]
    }),
  )
}

const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/

/** Of a request; undefined where they are as they were, empty where none is left. */
export function readCookies(
  given: Json | undefined,
  was: string | undefined,
): Value<string | undefined> | Unusable {
  const before = cookieValues(was)
  if (given === undefined || isDeepStrictEqual(given, before)) return value(undefined)
  const read = readValues(given, before, 'cookies')
  if (read.kind !== 'value') return read
  if (read.value.some(([name, text]) => !COOKIE_NAME.test(name) || text.includes(';')))
    return unusable('function-header', 'it gave a cookie that cannot be sent')
  return value(read.value.map(([name, text]) => `${name}=${text}`).join('; '))
}

/** `name=value; Path=/` → its name, value and attributes, as functions see those of an answer. */
export function setCookieValues(lines: readonly string[]): Fields {
  return valuesOf(
    lines.flatMap(line => {
      const [pair = '', ...attributes] = line.split(';')
      const [name = ''] = pair.split('=', 1)
      if (name.trim() === '') return []
      return [[name.trim(), pair.slice(name.length + 1).trim(), attributes.join(';').trim()] as const]
    }),
  )
}

/** The lines of Set-Cookie. */
export function readSetCookies(given: Json | undefined, was: Fields): Value<string[]> | Unusable {
  if (given === undefined) return value([])
  const read = readValues(given, was, 'cookies')
  if (read.kind !== 'value') return read
  if (read.value.some(([name, text]) => !COOKIE_NAME.test(name) || text.includes(';')))
    return unusable('function-header', 'it gave a cookie that cannot be set')
  return value(
    read.value.map(([name, text, attributes = '']) =>
      attributes === '' ? `${name}=${text}` : `${name}=${text}; ${attributes}`,
    ),
  )
}
