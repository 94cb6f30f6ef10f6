import { reader, SluiceError, type EncryptionId, type EncryptionProfileId } from '../core/index.ts'
import {
  FieldEncryption,
  patternProblems,
  type Distribution,
  type EncryptionProfile,
  type PublicKey,
} from '../distribution/index.ts'
import { itemsOf } from './cloudfront/lists.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './cloudfront/shapes.ts'
import { listDocuments, listPublicKeys, type Tx } from './database/index.ts'

/** An encryption as behaviours name it. */
export interface KnownEncryption {
  id: EncryptionId
  /** What `sluice encryption` called it; of one that came by CloudFront's API, which has no name, its id. */
  name: string
}

export async function listKnownEncryptions(tx: Tx): Promise<KnownEncryption[]> {
  return [...(await listDocuments(tx, 'FieldLevelEncryption')).values()].map(({ id, name }) => ({
    id: id as EncryptionId, // written as one
    name: name ?? id,
  }))
}

/**
 * The encryptions that behaviours name, whole, as nodes follow them. One of which a profile or a key is missing is left
 * out: a node that knows nothing of it sends no form on, while half of it would send fields on in the clear. So is what was
 * kept by 0.6, which checked nothing of it, and could not be followed.
 */
export async function encryptionsOf(
  tx: Tx,
  distributions: readonly Distribution[],
): Promise<FieldEncryption[]> {
  const named = new Set<string>(
    distributions.flatMap(({ behaviours }) => behaviours.flatMap(({ encryption }) => encryption ?? [])),
  )
  if (named.size === 0) return []
  const configs = await listDocuments(tx, 'FieldLevelEncryption')
  const profiles = await listDocuments(tx, 'FieldLevelEncryptionProfile')
  const keys = await listPublicKeys(tx)
  const profileOf = (id: string): EncryptionProfile | undefined => {
    const config = profiles.get(id)?.config as FieldLevelEncryptionProfileConfig | null | undefined // written as one
    return config ? profileAs(id, config, keys) : undefined
  }
  return [...named].flatMap(id => {
    const config = configs.get(id)?.config as FieldLevelEncryptionConfig | null | undefined // written as one
    const whole = config && encryptionAs(id, config, profileOf)
    return whole && isSound(whole) ? [whole] : []
  })
}

const readEncryption = reader(FieldEncryption, 'the encryption')

function isSound(encryption: FieldEncryption): boolean {
  const { byQuery, byContentType } = encryption
  const profiles = [...byQuery.profiles, ...byContentType.profiles].flatMap(({ profile }) => profile ?? [])
  const patterns = profiles.flatMap(({ entities }) => entities.map(each => each.patterns))
  if (patterns.some(each => patternProblems(each, '').length > 0)) return false
  try {
    readEncryption(encryption)
    return true
  } catch (error) {
    if (error instanceof SluiceError) return false
    throw error
  }
}

type Find = (profile: string) => EncryptionProfile | undefined

function encryptionAs(
  id: string,
  { QueryArgProfileConfig: byQuery, ContentTypeProfileConfig: byType }: FieldLevelEncryptionConfig,
  find: Find,
): FieldEncryption | undefined {
  const byArgument = itemsOf(byQuery?.QueryArgProfiles).map(
    ({ QueryArg: argument = '', ProfileId: named = '' }) => ({
      argument,
      profile: find(named),
    }),
  )
  const byContentType = itemsOf(byType?.ContentTypeProfiles).map(({ ProfileId: named = '' }) => ({
    named: named !== '',
    profile: find(named),
  }))
  const isWhole =
    byArgument.every(each => each.profile) && byContentType.every(each => each.profile || !each.named)
  if (!isWhole) return undefined
  return {
    id: id as EncryptionId, // written as one
    byQuery: {
      unknown: byQuery?.ForwardWhenQueryArgProfileIsUnknown === true ? 'forward' : 'reject',
      profiles: byArgument.flatMap(({ argument, profile }) => (profile ? [{ argument, profile }] : [])),
    },
    byContentType: {
      unknown: byType?.ForwardWhenContentTypeIsUnknown === true ? 'forward' : 'reject',
      profiles: byContentType.map(({ profile }) => ({
        contentType: 'application/x-www-form-urlencoded',
        ...(profile && { profile }),
      })),
    },
  }
}

function profileAs(
  id: string,
  { EncryptionEntities: entities }: FieldLevelEncryptionProfileConfig,
  keys: readonly PublicKey[],
): EncryptionProfile | undefined {
  const known = itemsOf(entities).map(entity => ({
    entity,
    key: keys.find(key => key.id === entity.PublicKeyId),
  }))
  if (known.some(({ key }) => key === undefined)) return undefined
  return {
    id: id as EncryptionProfileId, // written as one
    entities: known.flatMap(({ entity, key }) =>
      key === undefined
        ? []
        : [
            {
              ...{ keyId: key.id, keyName: key.name, pem: key.pem },
              provider: entity.ProviderId ?? '',
              patterns: itemsOf(entity.FieldPatterns),
            },
          ],
    ),
  }
}
