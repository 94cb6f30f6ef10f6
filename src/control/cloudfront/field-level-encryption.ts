import { newDocumentId } from '../../core/index.ts'
import { listDocuments, deleteDocument, listPublicKeys, saveDocument, type Tx } from '../database/index.ts'
import { itemsOf } from './lists.ts'
import { checkComment, checkName, refuseTwins } from './names.ts'
import { CloudFrontError } from './operation.ts'
import type { Entity, Kind } from './resource.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './shapes.ts'

/** They are kept and encrypt nothing yet, so no behaviour takes one. */
const NOTICE = 'kept; no behaviour takes it until fields are encrypted'

export const encryptionProfiles: Kind<FieldLevelEncryptionProfileConfig> = {
  kind: 'FieldLevelEncryptionProfile',
  configMember: 'FieldLevelEncryptionProfileConfig',
  path: '/2020-05-31/field-level-encryption-profile',
  errors: {
    missing: 'NoSuchFieldLevelEncryptionProfile',
    exists: 'FieldLevelEncryptionProfileAlreadyExists',
    tooMany: 'TooManyFieldLevelEncryptionProfiles',
  },
  most: 100,
  all: tx => allOf<FieldLevelEncryptionProfileConfig>(tx, 'FieldLevelEncryptionProfile'),
  async make(tx, config, found) {
    const id = newDocumentId('P')
    await this.change(tx, { id } as Entity<FieldLevelEncryptionProfileConfig>, config, found) // its id alone is asked for
    found.notice('FieldLevelEncryptionProfile', NOTICE)
    return id
  },
  async change(tx, { id }, config) {
    const { Name: name = '', CallerReference: reference = '' } = config
    checkName(name)
    checkComment(config.Comment)
    const documents = await listDocuments(tx, this.kind)
    refuseTwins(this.errors.exists, { id, name, reference }, named(documents))
    const known = await listPublicKeys(tx)
    for (const { PublicKeyId: key = '' } of itemsOf(config.EncryptionEntities))
      if (!known.some(each => each.id === key))
        throw new CloudFrontError('NoSuchPublicKey', `there is no public key ${key.slice(0, 80)}`)
    await saveDocument(tx, { kind: this.kind, id, name, reference, config })
  },
  async remove(tx, { id }) {
    for (const each of await encryptionConfigs.all(tx))
      if (profilesOf(each.config).includes(id))
        throw new CloudFrontError('FieldLevelEncryptionProfileInUse', `the configuration ${each.id} names it`)
    await deleteDocument(tx, this.kind, id)
  },
}

export const encryptionConfigs: Kind<FieldLevelEncryptionConfig> = {
  kind: 'FieldLevelEncryption',
  operations: {
    create: 'CreateFieldLevelEncryptionConfig',
    update: 'UpdateFieldLevelEncryptionConfig',
    remove: 'DeleteFieldLevelEncryptionConfig',
    list: 'ListFieldLevelEncryptionConfigs',
  },
  configMember: 'FieldLevelEncryptionConfig',
  path: '/2020-05-31/field-level-encryption',
  errors: {
    missing: 'NoSuchFieldLevelEncryptionConfig',
    exists: 'FieldLevelEncryptionConfigAlreadyExists',
    tooMany: 'TooManyFieldLevelEncryptionConfigs',
  },
  most: 100,
  all: tx => allOf<FieldLevelEncryptionConfig>(tx, 'FieldLevelEncryption'),
  async make(tx, config, found) {
    const id = newDocumentId('C')
    await this.change(tx, { id } as Entity<FieldLevelEncryptionConfig>, config, found) // its id alone is asked for
    found.notice('FieldLevelEncryption', NOTICE)
    return id
  },
  async change(tx, { id }, config) {
    const { CallerReference: reference = '' } = config
    checkComment(config.Comment)
    refuseTwins(this.errors.exists, { id, reference }, named(await listDocuments(tx, this.kind)))
    const known = await listDocuments(tx, 'FieldLevelEncryptionProfile')
    for (const profile of profilesOf(config))
      if (!known.has(profile))
        throw new CloudFrontError(
          'NoSuchFieldLevelEncryptionProfile',
          `there is no profile ${profile.slice(0, 80)}`,
        )
    await saveDocument(tx, { kind: this.kind, id, reference, config })
  },
  async remove(tx, { id }) {
    await deleteDocument(tx, this.kind, id)
  },
}

/** The profile that names a public key; undefined where none does. */
export async function usesKey(tx: Tx, key: string): Promise<string | undefined> {
  const profiles = await encryptionProfiles.all(tx)
  return profiles.find(({ config }) =>
    itemsOf(config.EncryptionEntities).some(each => each.PublicKeyId === key),
  )?.id
}

function profilesOf(config: FieldLevelEncryptionConfig): string[] {
  return [
    ...itemsOf(config.QueryArgProfileConfig?.QueryArgProfiles),
    ...itemsOf(config.ContentTypeProfileConfig?.ContentTypeProfiles),
  ].flatMap(({ ProfileId: id }) => id ?? [])
}

type Documents = Awaited<ReturnType<typeof listDocuments>>

function named(documents: Documents): { id: string; name?: string; reference?: string }[] {
  return [...documents.values()].map(({ id, name, reference }) => ({
    id,
    ...(name !== null && { name }),
    ...(reference !== null && { reference }),
  }))
}

async function allOf<C extends object>(tx: Tx, kind: Kind<C>['kind']): Promise<Entity<C>[]> {
  return [...(await listDocuments(tx, kind)).values()].map(each => ({
    id: each.id,
    config: each.config as C, // written as one
    created: each.createdAt,
    modified: each.modifiedAt,
    revision: each.revision,
  }))
}
