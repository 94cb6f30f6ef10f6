import type { KeyObject } from 'node:crypto'
import type { KeyId } from '../core/index.ts'
import { readPublicKey, type KeyType } from './public-key.ts'

/** A key group as the snapshot has it; only what verification needs. */
export interface KeyGroupKeys {
  sha1: Sha1
  /** `refuse` when absent. */
  withoutResource?: WithoutResource
  keys: readonly { id: KeyId; type: KeyType; pem: string }[]
}

/** SHA-1 is CloudFront's default digest; a group may refuse it. */
export type Sha1 = 'accept' | 'refuse'

/** A policy without `Resource` opens everything that trusts its key, so a group must ask for that. */
export type WithoutResource = 'accept' | 'refuse'

/** A parsed public key; made once for each snapshot, since parsing costs more than verifying. */
export interface TrustedKey {
  readonly id: KeyId
  readonly type: KeyType
  readonly key: KeyObject
  readonly sha1: Sha1
  readonly withoutResource: WithoutResource
}

export interface TrustedKeys {
  readonly byId: ReadonlyMap<string, TrustedKey>
  /** Keys that could not be read; they open nothing, and the node should say so once. */
  readonly unusable: readonly KeyId[]
}

/** The keys of a behaviour's groups. A key in several groups may do what one of them accepts. */
export function trustedKeys(groups: readonly KeyGroupKeys[]): TrustedKeys {
  const byId = new Map<string, TrustedKey>()
  const unusable = new Set<KeyId>()
  for (const { sha1, withoutResource = 'refuse', keys } of groups) {
    for (const { id, type, pem } of keys) {
      const known = byId.get(id)
      const read = readPublicKey(pem)
      if (read.kind === 'refused' || read.type !== type) {
        unusable.add(id)
        continue
      }
      byId.set(id, {
        ...{ id, type, key: read.key },
        sha1: known?.sha1 === 'accept' ? 'accept' : sha1,
        withoutResource: known?.withoutResource === 'accept' ? 'accept' : withoutResource,
      })
    }
  }
  return { byId, unusable: [...unusable] }
}
