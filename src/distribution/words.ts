import { DEFAULT_LIFETIMES } from './first.ts'
import type { BehaviourInput } from './input.ts'
import { namesAny } from './named.ts'
import {
  changesNothing,
  completeResponseHeaders,
  type ResponseHeadersInput,
} from './response-headers-input.ts'
import type { Behaviour, Lifetimes, Named } from './schema.ts'

/** The fields of a behaviour that policies may say in its place. */
export type Word =
  | 'ttl'
  | 'query'
  | 'headers'
  | 'keyedCookies'
  | 'acceptEncoding'
  | 'forward'
  | 'cookies'
  | 'forwardQuery'
  | 'host'
  | 'told'
  | 'responseHeaders'

/** As they are stored: undefined where that is the same as without a word. */
export type Words = { [W in Word]?: Behaviour[W] | undefined }

/** What is written, as it is stored: each name once and as it is compared. */
export function wordsOf(given: Pick<BehaviourInput, Word>): Words {
  const { ttl, query, headers, forward, cookies, host, told, acceptEncoding, responseHeaders } = given
  return {
    ...(ttl && { ttl: lifetimes(ttl) }),
    ...(query !== undefined && { query: once(query) }),
    ...(headers && { headers: lower(headers) }),
    ...(given.keyedCookies !== undefined && { keyedCookies: any(once(given.keyedCookies)) }),
    ...(acceptEncoding && { acceptEncoding: [...new Set(acceptEncoding)] }),
    ...(forward !== undefined && { forward: once(forward, name => name.toLowerCase()) }),
    ...(cookies !== undefined && { cookies: once(cookies) }),
    ...(given.forwardQuery !== undefined && { forwardQuery: any(once(given.forwardQuery)) }),
    ...(host && { host: host === 'viewer' ? host : undefined }),
    ...(told && { told: told.length === 0 ? undefined : lower(told) }),
    ...(responseHeaders && { responseHeaders: someHeaders(responseHeaders) }),
  }
}

export function lower(names: readonly string[]): string[] {
  return [...new Set(names.map(name => name.toLowerCase()))]
}

/** Each name once, and as it is compared. */
export function once(choice: Named, as: (name: string) => string = name => name): Named {
  if (typeof choice === 'string') return choice
  return Array.isArray(choice)
    ? [...new Set(choice.map(as))]
    : { except: [...new Set(choice.except.map(as))] }
}

function any(choice: Named): Named | undefined {
  return namesAny(choice) ? choice : undefined
}

function someHeaders(input: ResponseHeadersInput): Behaviour['responseHeaders'] {
  const completed = completeResponseHeaders(input)
  return changesNothing(completed) ? undefined : completed
}

/** What is left out fits what is given: a maximum of a minute makes the default a minute at most. */
export function lifetimes(given: Partial<Lifetimes>): Lifetimes {
  const minimum = given.minimum ?? Math.min(DEFAULT_LIFETIMES.minimum, given.maximum ?? 0)
  const maximum = given.maximum ?? Math.max(DEFAULT_LIFETIMES.maximum, minimum, given.default ?? 0)
  const usual = Math.min(Math.max(DEFAULT_LIFETIMES.default, minimum), maximum)
  return { minimum, default: given.default ?? usual, maximum }
}
