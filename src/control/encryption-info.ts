import type { EncryptionId, EncryptionProfileId, KeyId } from '../core/index.ts'
import type { EncryptionInfo } from '../client/index.ts'
import type { PublicKey } from '../distribution/index.ts'
import { FORM } from './cloudfront/check-encryption.ts'
import { itemsOf } from './cloudfront/lists.ts'
import type { Entity } from './cloudfront/resource.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './cloudfront/shapes.ts'

interface Named {
  id: EncryptionId
  name: string
  config: FieldLevelEncryptionConfig
}

type Profile = Entity<FieldLevelEncryptionProfileConfig>

/** A configuration of CloudFront's in our own words, with the profiles that it names. */
export function encryptionInfo(
  { id, name, config }: Named,
  profiles: readonly Profile[],
  keys: readonly PublicKey[],
): EncryptionInfo {
  const { Comment: comment = '', QueryArgProfileConfig: byQuery, ContentTypeProfileConfig: byType } = config
  const byArgument = itemsOf(byQuery?.QueryArgProfiles)
  const types = itemsOf(byType?.ContentTypeProfiles)
  const used = new Set([...byArgument, ...types].map(({ ProfileId }) => ProfileId))
  const nameOf = (asked = ''): string => profiles.find(each => each.id === asked)?.config.Name ?? asked
  return {
    ...{ id, name, comment },
    profiles: profiles.filter(each => used.has(each.id)).map(each => profileInfo(each, keys)),
    byQuery: {
      unknown: byQuery?.ForwardWhenQueryArgProfileIsUnknown === true ? 'forward' : 'reject',
      profiles: byArgument.map(({ QueryArg: argument = '', ProfileId: profile }) => ({
        argument,
        profile: nameOf(profile),
      })),
    },
    byContentType: {
      unknown: byType?.ForwardWhenContentTypeIsUnknown === true ? 'forward' : 'reject',
      profiles: types.map(({ ProfileId: profile = '' }) => ({
        contentType: FORM,
        ...(profile !== '' && { profile: nameOf(profile) }),
      })),
    },
  }
}

function profileInfo(
  { id, config }: Profile,
  keys: readonly PublicKey[],
): EncryptionInfo['profiles'][number] {
  const [entity] = itemsOf(config.EncryptionEntities)
  const key = entity?.PublicKeyId ?? ''
  return {
    id: id as EncryptionProfileId, // written as one
    name: config.Name ?? '',
    comment: config.Comment ?? '',
    key: key as KeyId, // as above
    keyName: keys.find(each => each.id === key)?.name ?? '',
    provider: entity?.ProviderId ?? '',
    patterns: itemsOf(entity?.FieldPatterns),
  }
}
