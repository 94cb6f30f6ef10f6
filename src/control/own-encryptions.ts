import { newDocumentId, SluiceError, type EncryptionId } from '../core/index.ts'
import type { ChangedEncryption, EncryptionInfo } from '../client/index.ts'
import type { EncryptionInput, EncryptionProfileInput, PublicKey } from '../distribution/index.ts'
import {
  configRefusals,
  FORM,
  MOST_ENCRYPTIONS,
  MOST_PROFILES,
  profileRefusals,
} from './cloudfront/check-encryption.ts'
import { same } from './cloudfront/etag.ts'
import {
  encryptionConfigs,
  encryptionProfiles,
  namedByBehaviours,
  profilesOf,
  usersOf,
} from './cloudfront/field-level-encryption.ts'
import { listed } from './cloudfront/lists.ts'
import type { Entity } from './cloudfront/resource.ts'
import type { FieldLevelEncryptionConfig, FieldLevelEncryptionProfileConfig } from './cloudfront/shapes.ts'
import {
  deleteDocument,
  listDocuments,
  listPublicKeys,
  readMeta,
  saveDocument,
  type Tx,
} from './database/index.ts'
import { encryptionInfo } from './encryption-info.ts'
import { listKnownEncryptions } from './encryptions.ts'
import { conflict, refusedInput } from './refusals.ts'

type Profile = Entity<FieldLevelEncryptionProfileConfig>
type Config = Entity<FieldLevelEncryptionConfig>

export async function listEncryptionInfos(tx: Tx): Promise<EncryptionInfo[]> {
  const names = new Map((await listKnownEncryptions(tx)).map(({ id, name }) => [id as string, name]))
  const profiles = await encryptionProfiles.all(tx)
  const keys = await listPublicKeys(tx)
  return (await encryptionConfigs.all(tx)).map(({ id, config }) =>
    encryptionInfo({ id: id as EncryptionId, name: names.get(id) ?? id, config }, profiles, keys),
  )
}

/** By id or name, an id first. */
export async function findEncryption(tx: Tx, asked: string): Promise<EncryptionInfo> {
  const all = await listEncryptionInfos(tx)
  const found = all.find(({ id }) => id === asked) ?? all.find(({ name }) => name === asked)
  if (found) return found
  const message = `there is no encryption ${asked}: sluice encryption list names them`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

export async function createEncryption(tx: Tx, input: EncryptionInput): Promise<ChangedEncryption> {
  if ((await encryptionConfigs.all(tx)).length >= MOST_ENCRYPTIONS)
    throw conflict('too-many', `there are ${MOST_ENCRYPTIONS} encryptions already: delete one first`)
  return save(tx, newDocumentId('C'), input)
}

/** Behaviours that name it follow, in one snapshot version. */
export async function replaceEncryption(
  tx: Tx,
  asked: string,
  input: EncryptionInput,
): Promise<ChangedEncryption> {
  const { id } = await findEncryption(tx, asked)
  if (input.id !== undefined && input.id !== id)
    throw refusedInput('bad-encryption', [`this is the encryption ${input.id}, not ${id}: take its "id" out`])
  return save(tx, id, input)
}

/** Refused while a behaviour names it; profiles that were made with it and serve no other go with it. */
export async function removeEncryption(tx: Tx, asked: string): Promise<number> {
  const { id, name } = await findEncryption(tx, asked)
  const [user] = await namedByBehaviours(tx, [id])
  if (user !== undefined)
    throw conflict('in-use', `a behaviour of ${user} encrypts by "${name}": take it out there first`)
  const before = (await encryptionConfigs.all(tx)).find(each => each.id === id)
  await deleteDocument(tx, encryptionConfigs.kind, id)
  if (before) await dropUnused(tx, profilesOf(before.config))
  return (await readMeta(tx)).version
}

async function save(tx: Tx, id: string, input: EncryptionInput): Promise<ChangedEncryption> {
  const { name, comment = '' } = input
  const twin = (await listKnownEncryptions(tx)).find(each => each.id !== id && each.name === name)
  if (twin) throw conflict('exists', `there is an encryption "${name}" already, ${twin.id}: use another name`)
  const before = (await encryptionConfigs.all(tx)).find(each => each.id === id)
  const written = await writtenProfiles(tx, id, input.profiles ?? [])
  const known = [...written, ...(await encryptionProfiles.all(tx))]
  if (new Set(known.map(each => each.id)).size > MOST_PROFILES)
    throw conflict('too-many', `there would be more than ${MOST_PROFILES} profiles: delete some first`)
  const config = configOf(input, { id, comment, before }, known)
  const named = new Set(profilesOf(config))
  const problems = [
    ...configRefusals(config, new Set(known.map(each => each.id))).map(({ message }) => message),
    ...written
      .filter(each => !named.has(each.id))
      .map(each => `the profile "${each.config.Name}" is chosen by nothing: name it, or take it out`),
  ]
  if (problems.length > 0) throw refusedInput('bad-encryption', problems)
  for (const profile of written) await saveProfile(tx, profile)
  const reference = config.CallerReference
  await saveDocument(tx, { kind: encryptionConfigs.kind, id, name, reference, config })
  if (before) await dropUnused(tx, profilesOf(before.config))
  if ((await namedByBehaviours(tx, [id])).length > 0) await tx.bump()
  return { encryption: await findEncryption(tx, id), snapshotVersion: (await readMeta(tx)).version }
}

/** The profiles that a document writes, as CloudFront has them; one that others use, too, is not changed by it. */
async function writtenProfiles(
  tx: Tx,
  encryption: string,
  inputs: readonly EncryptionProfileInput[],
): Promise<Profile[]> {
  const all = await encryptionProfiles.all(tx)
  const keys = await listPublicKeys(tx)
  const problems = inputs.flatMap(({ name }, at) =>
    inputs.findIndex(each => each.name === name) < at
      ? [`the profile "${name}" is there twice: take one out`]
      : [],
  )
  const written: Profile[] = []
  for (const input of inputs) {
    const before = all.find(({ config }) => config.Name === input.name)
    const profile = profileOf(input, before, keys)
    problems.push(
      ...profileRefusals(profile.config, keys, `the profile "${input.name}"`).map(({ message }) => message),
    )
    const [other] = before ? (await usersOf(tx, before.id)).filter(user => user !== encryption) : []
    if (before && other !== undefined && !same(before.config, profile.config))
      throw conflict('in-use', `the profile "${input.name}" serves ${other}, too: give this one another name`)
    written.push(profile)
  }
  if (problems.length > 0) throw refusedInput('bad-encryption', problems)
  return written
}

/** Marks what was made by these words, and goes with what it was made for. */
const OURS = 'sluice:'

function profileOf(
  { name, comment = '', key: asked, provider, patterns }: EncryptionProfileInput,
  before: Profile | undefined,
  keys: readonly PublicKey[],
): Profile {
  const id = before?.id ?? newDocumentId('P')
  const key = keys.find(each => each.id === asked) ?? keys.find(each => each.name === asked)
  const entity = { PublicKeyId: key?.id ?? asked, ProviderId: provider, FieldPatterns: listed(patterns) }
  const CallerReference = before?.config.CallerReference ?? `${OURS}${id}`
  const config = { Name: name, CallerReference, Comment: comment, EncryptionEntities: listed([entity]) }
  return { ...(before ?? EMPTY), id, config }
}

/** Of what is not stored yet. */
const EMPTY = { created: 0, modified: 0, revision: 0 } as Pick<Profile, 'created' | 'modified' | 'revision'> // read by nobody

async function saveProfile(tx: Tx, { id, config }: Profile): Promise<void> {
  const before = (await listDocuments(tx, encryptionProfiles.kind)).get(id)
  if (before && same(before.config, config)) return
  const { Name: name, CallerReference: reference } = config
  await saveDocument(tx, { kind: encryptionProfiles.kind, id, name, reference, config })
}

function configOf(
  { byQuery, byContentType }: EncryptionInput,
  { id, comment, before }: { id: string; comment: string; before: Config | undefined },
  profiles: readonly Profile[],
): FieldLevelEncryptionConfig {
  // One that there is not stays as it is written, for the sentence that says so.
  const idOf = (asked: string): string =>
    (profiles.find(each => each.id === asked) ?? profiles.find(({ config }) => config.Name === asked))?.id ??
    asked
  return {
    CallerReference: before?.config.CallerReference ?? `${OURS}${id}`,
    Comment: comment,
    QueryArgProfileConfig: {
      ForwardWhenQueryArgProfileIsUnknown: byQuery?.unknown === 'forward',
      QueryArgProfiles: listed(
        (byQuery?.profiles ?? []).map(({ argument, profile }) => ({
          QueryArg: argument,
          ProfileId: idOf(profile),
        })),
      ),
    },
    ContentTypeProfileConfig: {
      ForwardWhenContentTypeIsUnknown: byContentType?.unknown === 'forward',
      ContentTypeProfiles: listed(
        (byContentType?.profiles ?? []).map(({ profile }) => ({
          ...{ Format: 'URLEncoded' as const, ContentType: FORM },
          ...(profile !== undefined && { ProfileId: idOf(profile) }),
        })),
      ),
    },
  }
}

/** What was made with an encryption goes when none names it any more. */
async function dropUnused(tx: Tx, profiles: readonly string[]): Promise<void> {
  for (const { id, config } of await encryptionProfiles.all(tx))
    if (
      profiles.includes(id) &&
      config.CallerReference?.startsWith(OURS) === true &&
      (await usersOf(tx, id)).length === 0
    )
      await deleteDocument(tx, encryptionProfiles.kind, id)
}
