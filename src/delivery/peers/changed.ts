import type { DistributionId } from '../../core/index.ts'
import type { CacheKey } from '../../http/index.ts'

/** What a request has changed: everything stored under the path is used no more (RFC 9111 §4.4). */
export interface Changed {
  distributionId: DistributionId
  path: string
  /** Those of its keys that are known: what is stored under them is deleted at once. */
  keys: readonly CacheKey[]
}
