import { newDocumentId } from '../../core/index.ts'
import {
  deleteDocument,
  listDistributions,
  listDocuments,
  listPublicKeys,
  saveDocument,
  type Tx,
} from '../database/index.ts'
import { configRefusals, MOST_ENCRYPTIONS, MOST_PROFILES, profileRefusals } from './check-encryption.ts'
import type { Findings, Refusal } from './findings.ts'
import { itemsOf } from './lists.ts'
import { checkComment, checkName, refuseTwins } from './names.ts'
import { CloudFrontError } from './operation.ts'
import type { Entity, Kind } from './resource.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './shapes.ts'

/** Which fields are encrypted for whom. */
export const encryptionProfiles: Kind<FieldLevelEncryptionProfileConfig> = {
  kind: 'FieldLevelEncryptionProfile',
  configMember: 'FieldLevelEncryptionProfileConfig',
  path: '/2020-05-31/field-level-encryption-profile',
  errors: {
    missing: 'NoSuchFieldLevelEncryptionProfile',
    exists: 'FieldLevelEncryptionProfileAlreadyExists',
    tooMany: 'TooManyFieldLevelEncryptionProfiles',
  },
  most: MOST_PROFILES,
  all: tx => allOf<FieldLevelEncryptionProfileConfig>(tx, 'FieldLevelEncryptionProfile'),
  async make(tx, config, found) {
    const id = newDocumentId('P')
    await save(tx, id, config, found)
    return id
  },
  async change(tx, { id, config: before }, config, found) {
    refuseReference(before, config)
    await save(tx, id, config, found)
    const users = await usersOf(tx, id)
    if ((await namedByBehaviours(tx, users)).length > 0) await tx.bump()
  },
  async remove(tx, { id }) {
    const [user] = await usersOf(tx, id)
    if (user !== undefined)
      throw new CloudFrontError('FieldLevelEncryptionProfileInUse', `the configuration ${user} names it`)
    await deleteDocument(tx, this.kind, id)
  },
}

/** By which profile a request is encrypted; behaviours name these. */
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
  most: MOST_ENCRYPTIONS,
  all: tx => allOf<FieldLevelEncryptionConfig>(tx, 'FieldLevelEncryption'),
  async make(tx, config, found) {
    const id = newDocumentId('C')
    await saveConfig(tx, id, config, found)
    return id
  },
  async change(tx, { id, config: before }, config, found) {
    refuseReference(before, config)
    await saveConfig(tx, id, config, found)
    if ((await namedByBehaviours(tx, [id])).length > 0) await tx.bump()
  },
  async remove(tx, { id }) {
    const [user] = await namedByBehaviours(tx, [id])
    if (user !== undefined)
      throw new CloudFrontError(
        'FieldLevelEncryptionConfigInUse',
        `a behaviour of the distribution ${user} names it: take it out there first`,
      )
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

/** Ids of the distributions of which some behaviour names one of these configurations. */
export async function namedByBehaviours(tx: Tx, configs: readonly string[]): Promise<string[]> {
  return (await listDistributions(tx))
    .filter(({ behaviours }) =>
      behaviours.some(({ encryption }) => encryption !== undefined && configs.includes(encryption)),
    )
    .map(({ id }) => id)
}

export function profilesOf(config: FieldLevelEncryptionConfig): string[] {
  return [
    ...itemsOf(config.QueryArgProfileConfig?.QueryArgProfiles),
    ...itemsOf(config.ContentTypeProfileConfig?.ContentTypeProfiles),
  ].flatMap(({ ProfileId: id }) => (id === undefined || id === '' ? [] : [id]))
}

/** Ids of the configurations that name a profile. */
export async function usersOf(tx: Tx, profile: string): Promise<string[]> {
  const configs = await encryptionConfigs.all(tx)
  return configs.filter(({ config }) => profilesOf(config).includes(profile)).map(({ id }) => id)
}

async function save(
  tx: Tx,
  id: string,
  config: FieldLevelEncryptionProfileConfig,
  found: Findings,
): Promise<void> {
  const { Name: name = '', CallerReference: reference = '' } = config
  const { kind, errors } = encryptionProfiles
  checkName(name)
  checkComment(config.Comment)
  refuseTwins(errors.exists, { id, name, reference }, named(await listDocuments(tx, kind)))
  refuseAll(found, profileRefusals(config, await listPublicKeys(tx), `the profile "${name}"`))
  await saveDocument(tx, { kind, id, name, reference, config })
}

async function saveConfig(
  tx: Tx,
  id: string,
  config: FieldLevelEncryptionConfig,
  found: Findings,
): Promise<void> {
  const { CallerReference: reference = '' } = config
  const { kind, errors } = encryptionConfigs
  checkComment(config.Comment)
  const documents = await listDocuments(tx, kind)
  refuseTwins(errors.exists, { id, reference }, named(documents))
  const profiles = await listDocuments(tx, 'FieldLevelEncryptionProfile')
  refuseAll(found, configRefusals(config, new Set(profiles.keys())))
  // CloudFront's have no name, and one that was given elsewhere stays.
  const name = documents.get(id)?.name ?? undefined
  await saveDocument(tx, { kind, id, name, reference, config })
}

function refuseAll(found: Findings, refusals: readonly Refusal[]): void {
  found.refusals.push(...refusals)
}

function refuseReference(
  before: { CallerReference: string | undefined },
  after: { CallerReference: string | undefined },
): void {
  if (before.CallerReference !== after.CallerReference)
    throw new CloudFrontError('IllegalUpdate', 'the CallerReference cannot be changed')
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
