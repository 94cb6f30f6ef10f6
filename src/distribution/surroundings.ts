import type { DistributionId, EncryptionId, IssuerId, KeyGroupId, OriginAccessId } from '../core/index.ts'
import type { Distribution, FunctionRuntime, Policy } from './schema.ts'

/** A function, as far as behaviours are held against it. */
export interface KnownFunction {
  name: string
  /** Of what runs; before it was published, of what is written on. */
  runtime: FunctionRuntime
  live: boolean
  /** Of Lambda@Edge, in rising order, with the bytes of their code. */
  versions: readonly { version: number; bytes: number }[]
}

/** What a distribution is settled against. */
export interface Surroundings {
  id: DistributionId
  domain: string
  /** What is replaced; undefined for a new one. */
  before: Distribution | undefined
  /** All but this one. */
  others: readonly Distribution[]
  keyGroups: readonly { id: KeyGroupId; name: string }[]
  /** With the cookie that may carry their tokens. */
  issuers: readonly { id: IssuerId; name: string; cookie?: string }[]
  originAccess: readonly { id: OriginAccessId; name: string }[]
  /** Those of the operator; the managed ones are always there. */
  policies: readonly Policy[]
  /** Left out where nobody knows what functions there are; behaviours are not held against them then. */
  functions?: readonly KnownFunction[]
  /** Configurations of field-level encryption; the same. */
  encryptions?: readonly { id: EncryptionId; name: string }[]
}

/** An id counts before a name, so that nobody can take a place by being called like another's id. */
export function idOf<T extends string>(
  known: readonly { id: T; name: string }[],
  asked: string,
): T | undefined {
  return (known.find(each => each.id === asked) ?? known.find(each => each.name === asked))?.id
}
