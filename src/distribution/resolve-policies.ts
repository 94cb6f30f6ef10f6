import { isDeepStrictEqual } from 'node:util'
import type { PolicyId } from '../core/index.ts'
import type { BehaviourInput } from './input.ts'
import { MANAGED_POLICIES } from './managed-policies.ts'
import type { Behaviour, CachePolicy, OriginRequestPolicy, Policy, ResponseHeadersPolicy } from './schema.ts'
import { idOf, type Surroundings } from './surroundings.ts'
import { wordsOf, type Word, type Words } from './words.ts'

export type PolicyKind = Policy['says']['kind']
type Place = keyof NonNullable<Behaviour['policies']>

/** Where a behaviour names a policy of each kind. */
export const POLICY_PLACES: Record<Place, PolicyKind> = {
  cache: 'cache',
  originRequest: 'origin-request',
  responseHeaders: 'response-headers',
}

/** What the policies of a behaviour make of it. */
export interface Resolved {
  /** What they say, each word that they decide; undefined as it is stored. */
  said: Words
  ids: NonNullable<Behaviour['policies']>
}

/**
 * What the named policies say in place of the behaviour's own words. A word of its own beside them is a problem, unless
 * it is what they say, or what was stored: then somebody has changed the policy since, or names another.
 */
export function resolvePolicies(
  input: BehaviourInput,
  place: string,
  around: Surroundings,
  problems: string[],
): Resolved {
  const { cache, originRequest, responseHeaders } = input.policies ?? {}
  const found = {
    cache: policyNamed('cache', cache, place, around, problems),
    originRequest: policyNamed('origin-request', originRequest, place, around, problems),
    responseHeaders: policyNamed('response-headers', responseHeaders, place, around, problems),
  }
  const said = saidBy(found)
  const own = wordsOf(input)
  const before = around.before?.behaviours.find(each => each.pattern === input.pattern)
  for (const word of wordsIn(said)) {
    if (input[word] === undefined) continue
    if ([said[word], before?.[word]].some(known => isDeepStrictEqual(own[word], known))) continue
    problems.push(
      `${place} has a "${word}" beside the policy that says it (${nameOf(word, found)}): take it out, or the policy`,
    )
  }
  const ids = {
    ...(found.cache && { cache: found.cache.id }),
    ...(found.originRequest && { originRequest: found.originRequest.id }),
    ...(found.responseHeaders && { responseHeaders: found.responseHeaders.id }),
  }
  return { said, ids }
}

function wordsIn(words: Words): Word[] {
  return Object.keys(words) as Word[] // a record's keys are its words
}

type OfKind<Says> = { id: PolicyId; name: string; says: Says } | undefined

interface Found {
  cache: OfKind<CachePolicy>
  originRequest: OfKind<OriginRequestPolicy>
  responseHeaders: OfKind<ResponseHeadersPolicy>
}

function policyNamed<K extends PolicyKind>(
  kind: K,
  asked: string | undefined,
  place: string,
  around: Surroundings,
  problems: string[],
): OfKind<Extract<Policy['says'], { kind: K }>> {
  if (asked === undefined) return undefined
  const all = [...MANAGED_POLICIES, ...around.policies].filter(({ says }) => says.kind === kind)
  const id = idOf(all, asked)
  const found = all.find(each => each.id === id)
  if (found && isOfKind(found.says, kind)) return { id: found.id, name: found.name, says: found.says }
  problems.push(
    `${place} names the ${kind} policy "${asked}", which there is not: sluice policy list names them, sluice policy create makes one`,
  )
  return undefined
}

function isOfKind<K extends PolicyKind>(
  says: Policy['says'],
  kind: K,
): says is Extract<Policy['says'], { kind: K }> {
  return says.kind === kind
}

/** What is keyed is told to the origin too, the viewer's Host among it. */
function saidBy({ cache, originRequest, responseHeaders }: Found): Words {
  const host =
    originRequest?.says.host === 'viewer' || cache?.says.headers.includes('host') ? 'viewer' : 'origin'
  const keyed = cache && {
    ...wordsOf({ ...cache.says, host }),
    headers: cache.says.headers.filter(name => name !== 'host'),
  }
  return {
    ...keyed,
    ...(originRequest && wordsOf({ ...originRequest.says, host })),
    ...(responseHeaders && wordsOf(responseHeaders.says)),
  }
}

function nameOf(word: Word, { cache, originRequest, responseHeaders }: Found): string {
  const all = [cache, originRequest, responseHeaders].filter(each => each !== undefined)
  return all.find(({ says }) => Object.hasOwn(says, word))?.name ?? all[0]?.name ?? ''
}
