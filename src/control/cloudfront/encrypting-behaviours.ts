import type { DistributionId } from '../../core/index.ts'
import { listDocuments, type Tx } from '../database/index.ts'
import { MOST_DISTRIBUTIONS_EACH } from './check-encryption.ts'
import { namedByBehaviours } from './field-level-encryption.ts'
import type { Findings } from './findings.ts'
import { itemsOf } from './lists.ts'
import { CloudFrontError } from './operation.ts'
import type { CacheBehavior, DistributionConfig } from './shapes.ts'

const CODE = 'IllegalFieldLevelEncryptionConfigAssociationWithCacheBehavior'
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE']

/** What CloudFront asks of a behaviour that encrypts: TLS on both sides, and all methods. */
export function refuseUnfitEncryption(
  behaviours: readonly CacheBehavior[],
  config: DistributionConfig,
  found: Findings,
): void {
  for (const behaviour of behaviours) {
    if (!behaviour.FieldLevelEncryptionId) continue
    const { PathPattern: pattern = '' } = behaviour
    const place = `${pattern === '*' ? 'DefaultCacheBehavior' : `CacheBehavior ${pattern}`}, FieldLevelEncryptionId`
    if (behaviour.ViewerProtocolPolicy === 'allow-all')
      found.refuse(place, 'it needs the ViewerProtocolPolicy redirect-to-https or https-only', CODE)
    const methods = itemsOf<string>(behaviour.AllowedMethods)
    if (METHODS.some(method => !methods.includes(method)))
      found.refuse(place, `it needs the AllowedMethods ${METHODS.join(', ')}`, CODE)
    for (const origin of originsOf(behaviour, config))
      if (!isSecure(origin))
        found.refuse(
          place,
          `it needs the OriginProtocolPolicy match-viewer or https-only of the origin ${origin.Id}, which is a server of its own`,
          CODE,
        )
  }
}

type OriginConfig = NonNullable<NonNullable<DistributionConfig['Origins']>['Items']>[number]

function isSecure({ CustomOriginConfig: custom }: OriginConfig): boolean {
  return custom?.OriginProtocolPolicy === 'https-only' || custom?.OriginProtocolPolicy === 'match-viewer'
}

/** Of a group all members, though forms go to the first alone. */
function originsOf({ TargetOriginId: target }: CacheBehavior, config: DistributionConfig): OriginConfig[] {
  const group = itemsOf(config.OriginGroups).find(({ Id }) => Id === target)
  const named = group ? itemsOf(group.Members).map(({ OriginId }) => OriginId) : [target]
  return itemsOf(config.Origins).filter(({ Id }) => named.includes(Id))
}

/** Throws for a configuration that there is not, or that as many distributions name as may. */
export async function checkEncryptions(
  tx: Tx,
  behaviours: readonly CacheBehavior[],
  own: DistributionId | undefined,
): Promise<void> {
  const named = new Set(behaviours.flatMap(({ FieldLevelEncryptionId: id }) => (id ? [id] : [])))
  if (named.size === 0) return
  const known = await listDocuments(tx, 'FieldLevelEncryption')
  for (const id of named) {
    if (!known.has(id))
      throw new CloudFrontError(
        'NoSuchFieldLevelEncryptionConfig',
        `there is no field-level encryption configuration ${id.slice(0, 80)}`,
      )
    const others = (await namedByBehaviours(tx, [id])).filter(each => each !== own)
    if (others.length >= MOST_DISTRIBUTIONS_EACH)
      throw new CloudFrontError(
        'TooManyDistributionsAssociatedToFieldLevelEncryptionConfig',
        `${others.length} distributions name ${id} already: make another configuration`,
      )
  }
}
