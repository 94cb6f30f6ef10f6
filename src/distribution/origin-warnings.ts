import { membersOf } from './group.ts'
import { namesAny, namesIt } from './named.ts'
import type { Behaviour, Distribution } from './schema.ts'

/** Sentences about origins that are seldom meant as they are described, and what they are shown of viewers. */
export function originWarnings(distribution: Distribution): string[] {
  return [
    ...bucketWarnings(distribution),
    ...queryWarnings(distribution),
    ...viewerWarnings(distribution),
    ...placeWarnings(distribution),
    ...wireWarnings(distribution),
  ]
}

function bucketWarnings({ origins }: Distribution): string[] {
  return origins.flatMap(origin =>
    origin.kind === 's3' &&
    origin.addressing === 'host' &&
    origin.bucket.includes('.') &&
    origin.endpoint.startsWith('https:')
      ? [
          `the bucket "${origin.bucket}" has a dot, which certificates of stores do not cover: set "addressing" to "path"`,
        ]
      : [],
  )
}

/** `?acl` asks a store for something else than the object, so a bucket is told only what is named. */
function queryWarnings(distribution: Distribution): string[] {
  return distribution.behaviours
    .filter(({ query, originId }) => query === 'all' && membersOf(distribution, originId)[0]?.kind === 's3')
    .map(
      ({ pattern }) =>
        `behaviour "${pattern}" passes on all of the query, of which a bucket is told nothing: list the parameters that it is to be told`,
    )
}

/** What is shown to an origin and is not keyed may shape the answer, which is then kept for all. */
function viewerWarnings(distribution: Distribution): string[] {
  return distribution.behaviours.flatMap(behaviour => {
    const { pattern, cookies, keyedCookies, ttl, originId } = behaviour
    const place = `behaviour "${pattern}"`
    // A second member of another kind is told what it takes.
    const kind = membersOf(distribution, originId)[0]?.kind
    if (kind !== 'http')
      return toldNothing(behaviour, place, kind === 's3' ? 'a bucket' : 'the built-in origin')
    if (ttl.minimum === 0) return []
    const shown = [
      ...(namesAny(cookies) && keyedCookies !== 'all' ? ['cookies'] : []),
      ...(showsAuthorization(behaviour) ? ['Authorization'] : []),
    ]
    return shown.length === 0
      ? []
      : [
          `${place} shows its origin the ${shown.join(' and ')} of viewers and keeps every answer for ${ttl.minimum} s, those that are one viewer's own too: set the minimum ttl to 0`,
        ]
  })
}

function toldNothing(behaviour: Behaviour, place: string, what: string): string[] {
  const { forward, cookies, keyedCookies, host, told } = behaviour
  const all = forward !== 'none' && !Array.isArray(forward)
  return [
    ...(all || namesAny(cookies) || namesAny(keyedCookies)
      ? [
          `${place} passes on what viewers send, of which ${what} is told nothing: set "forward" and "cookies" to "none"`,
        ]
      : []),
    ...(host !== undefined || told !== undefined
      ? [`${place} tells of viewers, of which ${what} hears nothing: take "host" and "told" out`]
      : []),
  ]
}

/** Behind a gate of issuers it is spent; where it is keyed each viewer has answers of his own. */
function showsAuthorization({ forward, headers, gate }: Behaviour): boolean {
  if ((gate?.issuers ?? []).length > 0 || headers.includes('authorization')) return false
  return namesIt(forward, 'authorization')
}

/** Which addresses are open is each edge's own setting, and what a name resolves to is known there alone. */
function placeWarnings({ origins }: Distribution): string[] {
  return origins.flatMap(origin => {
    if (origin.kind === 'built-in') return []
    const text = origin.kind === 'http' ? origin.url : origin.endpoint
    const host = URL.canParse(text) ? new URL(text).hostname.replace(/^\[(.*)\]$/, '$1') : ''
    if (LINK_LOCAL.test(host))
      return [`origin "${origin.id}" has a link-local address, where none is ever asked: give it another`]
    if (!LOOPBACK.test(host)) return []
    const range = /^[\d.]+$|:/.test(host) ? host : '127.0.0.1'
    return [
      `origin "${origin.id}" is on the machine of each edge, where only those are asked that it lists: loopback needs --allow-origin ${range} at "sluice up"`,
    ]
  })
}

const LOOPBACK = /^(?:127\.[\d.]+|::1|(?:.+\.)?localhost\.?)$/
const LINK_LOCAL = /^(?:169\.254\.[\d.]+|fe[89ab][0-9a-f]:.*)$/

function wireWarnings({ origins }: Distribution): string[] {
  return origins.flatMap(origin => {
    if (origin.kind !== 'http') return []
    const { id, url, protocol, httpPort, httpsPort, headers, tls } = origin
    if (tls !== undefined && protocol === 'as-url' && url.startsWith('http:'))
      return [`origin "${id}" is asked without TLS, so its "tls" means nothing: write its url with https`]
    if (protocol === 'match-viewer')
      return headers.length === 0
        ? []
        : [
            `origin "${id}" is sent its secret over plain HTTP whenever a viewer comes so: set its "protocol" to "as-url" with an https url`,
          ]
    return httpPort === 80 && httpsPort === 443
      ? []
      : [`origin "${id}" has ports that count with protocol "match-viewer" only: put its port into its url`]
  })
}
