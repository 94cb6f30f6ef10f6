import type { Services } from '../services.ts'
import { distributionsByOperations } from './distributions-by.ts'
import { distributionOperations } from './distributions.ts'
import { encryptionConfigs, encryptionProfiles } from './field-level-encryption.ts'
import { functionOperations } from './functions.ts'
import { invalidationOperations } from './invalidations.ts'
import { keyGroups } from './key-groups.ts'
import { monitoringOperations } from './monitoring.ts'
import { keyValueStoreOperations } from './key-value-stores.ts'
import type { Handlers } from './operation.ts'
import { originAccessControls, originAccessIdentities } from './origin-access.ts'
import { cachePolicies, originRequestPolicies, responseHeadersPolicies } from './policies.ts'
import { publicKeys } from './public-keys.ts'
import { operationsOf } from './resource.ts'
import { tagOperations } from './tags.ts'

/** Every operation of CloudFront's API that there is here. */
export function cloudFrontHandlers(services: Services): Handlers {
  const { database } = services
  return {
    ...distributionOperations(services),
    ...distributionsByOperations(services),
    ...invalidationOperations(services),
    ...operationsOf(publicKeys, database),
    ...operationsOf(keyGroups, database),
    ...operationsOf(cachePolicies, database),
    ...operationsOf(originRequestPolicies, database),
    ...operationsOf(responseHeadersPolicies, database),
    ...operationsOf(originAccessControls, database),
    ...operationsOf(originAccessIdentities, database),
    ...operationsOf(encryptionConfigs, database),
    ...operationsOf(encryptionProfiles, database),
    ...functionOperations(services),
    ...keyValueStoreOperations(services),
    ...tagOperations(database),
    ...monitoringOperations(database),
  }
}
