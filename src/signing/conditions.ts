import type { GrantReason, Instant } from '../core/index.ts'
import { cidrHolds, parseAddress } from './address.ts'
import { stripPlayer } from './carrier-query.ts'
import type { Action, Policy } from './policy.ts'
import { resourceCovers, splitHost, type UrlSections } from './resource.ts'
import type { ViewerUrl } from './statement.ts'

/** What a policy is held against. */
export interface JudgedRequest extends ViewerUrl {
  /** The one spelling of the path; resources are compared with the path as sent, then with this (SEAMS 1). */
  canonicalPath: string
  /** The viewer's own address, after trusted proxies. */
  address: string
  action: Action
}

export interface Condition {
  /** The word when it does not hold. */
  readonly reason: GrantReason
  holds(policy: Policy, request: JudgedRequest, now: Instant): boolean
  /** A sentence for when it does not hold. */
  readonly detail: string
}

/** In the order in which they are told (INTERFACE.md, "HTTP at an edge"). */
export const CONDITIONS: readonly Condition[] = [
  {
    reason: 'wrong-resource',
    holds: (policy, request) => covers(policy, request),
    detail: "the policy's Resource does not cover this URL",
  },
  {
    reason: 'wrong-action',
    holds: (policy, request) => policy.opens.includes(request.action),
    detail:
      'the policy does not allow this action; only rtmp:// and app/stream resources publish, and they open no HTTP',
  },
  {
    reason: 'expired',
    holds: (policy, _request, now) => now < policy.expires,
    detail: 'the policy has expired',
  },
  {
    reason: 'not-yet',
    holds: (policy, _request, now) => policy.notBefore === undefined || now > policy.notBefore,
    detail: 'the policy is not valid yet',
  },
  {
    reason: 'wrong-ip',
    holds: (policy, request) => fromRange(policy, request),
    detail: "the address that asks is not in the policy's IpAddress",
  },
]

/** The first condition that does not hold; undefined when the policy allows the request. */
export function firstFailing(policy: Policy, request: JudgedRequest, now: Instant): Condition | undefined {
  for (const condition of CONDITIONS) if (!condition.holds(policy, request, now)) return condition
  return undefined
}

/** The URLs that a resource is held against; one that covers any of them covers the request (SEAMS 1, 5). */
export function askedUrls(request: JudgedRequest): UrlSections[] {
  const { scheme, rawPath, canonicalPath, query } = request
  const { host, port } = splitHost(request.authority, scheme)
  const reduced = stripPlayer(query)
  const paths = canonicalPath === rawPath ? [rawPath] : [rawPath, canonicalPath]
  const queries = reduced === query ? [query] : [query, reduced]
  return queries.flatMap(own => paths.map(path => ({ scheme, host, port, path, query: own })))
}

function covers({ resource }: Policy, request: JudgedRequest): boolean {
  const { scheme, rawPath: path, query } = request
  // Nearly always the URL as sent is the one that was meant.
  const { host, port } = splitHost(request.authority, scheme)
  if (resourceCovers(resource, { scheme, host, port, path, query })) return true
  return askedUrls(request).some(url => resourceCovers(resource, url))
}

function fromRange(policy: Policy, request: JudgedRequest): boolean {
  if (policy.address === undefined) return true
  const address = parseAddress(request.address)
  return address !== undefined && cidrHolds(policy.address, address)
}
