import { giveCredentials } from './access-credentials.ts'
import { newDocumentId, type OriginAccessId } from '../../core/index.ts'
import type { OriginAccess } from '../../distribution/index.ts'
import {
  deleteDocument,
  deleteOriginAccess,
  listDistributions,
  listDocuments,
  listOriginAccess,
  saveDocument,
  type StoredDocument,
  type Tx,
} from '../database/index.ts'
import type { Findings } from './findings.ts'
import { checkComment, checkName, refuseTwins } from './names.ts'
import { CloudFrontError } from './operation.ts'
import type { Entity, Kind } from './resource.ts'
import type { CloudFrontOriginAccessIdentityConfig, OriginAccessControlConfig } from './shapes.ts'

/** How CloudFront's API reads buckets. Their credentials are those of `sluice origin-access`, which it cannot name. */
export const originAccessControls: Kind<OriginAccessControlConfig> = {
  kind: 'OriginAccessControl',
  configMember: 'OriginAccessControlConfig',
  path: '/2020-05-31/origin-access-control',
  errors: {
    missing: 'NoSuchOriginAccessControl',
    exists: 'OriginAccessControlAlreadyExists',
    tooMany: 'TooManyOriginAccessControls',
  },
  most: 1_000,
  async all(tx) {
    const documents = await listDocuments(tx, 'OriginAccessControl')
    const own = (await listOriginAccess(tx)).filter(each => each.kind === 'control')
    return [
      ...own.map(each => ofOwn(each, documents.get(each.id), controlOf(each, documents.get(each.id)))),
      ...withoutOwn<OriginAccessControlConfig>(documents, own),
    ]
  },
  async make(tx, config, found) {
    const id = newDocumentId('E')
    await saveControl(tx, id, config, found)
    return id
  },
  async change(tx, { id }, config, found) {
    await saveControl(tx, id, config, found)
  },
  remove: (tx, { id }) => removeAccess(tx, 'OriginAccessControl', id, 'OriginAccessControlInUse'),
}

export const originAccessIdentities: Kind<CloudFrontOriginAccessIdentityConfig> = {
  kind: 'CloudFrontOriginAccessIdentity',
  configMember: 'CloudFrontOriginAccessIdentityConfig',
  path: '/2020-05-31/origin-access-identity/cloudfront',
  errors: {
    missing: 'NoSuchCloudFrontOriginAccessIdentity',
    exists: 'CloudFrontOriginAccessIdentityAlreadyExists',
    tooMany: 'TooManyCloudFrontOriginAccessIdentities',
  },
  most: 1_000,
  async all(tx) {
    const documents = await listDocuments(tx, 'CloudFrontOriginAccessIdentity')
    const own = (await listOriginAccess(tx)).filter(each => each.kind === 'identity')
    return [
      ...own.map(each => ofOwn(each, documents.get(each.id), identityOf(each, documents.get(each.id)))),
      ...withoutOwn<CloudFrontOriginAccessIdentityConfig>(documents, own),
    ].map(each => ({ ...each, more: { S3CanonicalUserId: each.id } }))
  },
  async make(tx, config, found) {
    const id = newDocumentId('E')
    await saveIdentity(tx, id, config, found)
    return id
  },
  async change(tx, { id, config: before }, config, found) {
    if (before.CallerReference !== config.CallerReference)
      throw new CloudFrontError('IllegalUpdate', 'the CallerReference cannot be changed')
    await saveIdentity(tx, id, config, found)
  },
  remove: (tx, { id }) =>
    removeAccess(tx, 'CloudFrontOriginAccessIdentity', id, 'CloudFrontOriginAccessIdentityInUse'),
}

const SIGNING: Readonly<Record<string, OriginAccess['signing']>> = {
  always: 'always',
  never: 'never',
  'no-override': 'no-override',
}

async function saveControl(
  tx: Tx,
  id: string,
  config: OriginAccessControlConfig,
  found: Findings,
): Promise<void> {
  const { Name: name = '', SigningBehavior: behavior = '', Description: description = '' } = config
  checkName(name)
  if ((config.OriginAccessControlOriginType ?? '') !== 's3')
    found.refuse('OriginAccessControlOriginType', 'requests are signed for buckets only: set it to s3')
  if ((config.SigningProtocol ?? '') !== 'sigv4') found.refuse('SigningProtocol', 'it is sigv4')
  const signing = found.oneOf('SigningBehavior', behavior, SIGNING, 'always')
  if (found.refusals.length > 0) return
  const documents = await listDocuments(tx, 'OriginAccessControl')
  refuseTwins('OriginAccessControlAlreadyExists', { id, name }, [
    ...(await listOriginAccess(tx)).map(each => ({ id: each.id, name: each.name })),
    ...[...documents.values()].map(each => ({ id: each.id, name: each.name ?? '' })),
  ])
  await saveDocument(tx, { kind: 'OriginAccessControl', id, name, config })
  await giveCredentials(tx, { id, name, kind: 'control', signing }, description, found)
}

async function saveIdentity(
  tx: Tx,
  id: string,
  config: CloudFrontOriginAccessIdentityConfig,
  found: Findings,
): Promise<void> {
  const { CallerReference: reference = '', Comment: comment = '' } = config
  checkComment(comment)
  const documents = await listDocuments(tx, 'CloudFrontOriginAccessIdentity')
  refuseTwins(
    'CloudFrontOriginAccessIdentityAlreadyExists',
    { id, reference },
    [...documents.values()].map(each => ({ id: each.id, reference: each.reference ?? '' })),
  )
  await saveDocument(tx, { kind: 'CloudFrontOriginAccessIdentity', id, reference, config })
  await giveCredentials(
    tx,
    { id, name: `identity-${id}`, kind: 'identity', signing: 'always' },
    comment,
    found,
  )
}

async function removeAccess(
  tx: Tx,
  kind: 'OriginAccessControl' | 'CloudFrontOriginAccessIdentity',
  id: string,
  inUse: string,
): Promise<void> {
  const user = await userOf(tx, id)
  if (user !== undefined)
    throw new CloudFrontError(inUse, `the distribution ${user} signs by it: take it out there first`)
  await deleteOriginAccess(tx, id as OriginAccessId) // compared only
  await deleteDocument(tx, kind, id)
}

async function userOf(tx: Tx, id: string): Promise<string | undefined> {
  const users = await listDistributions(tx)
  return users.find(each => each.origins.some(origin => origin.kind === 's3' && origin.access === id))?.id
}

/** What `sluice origin-access rotate` or /v1 has changed since is shown as it is now. */
function controlOf(
  { name, signing }: OriginAccess,
  document: StoredDocument | undefined,
): OriginAccessControlConfig {
  const sent = document?.config as OriginAccessControlConfig | null | undefined // written as one
  return {
    Description: sent?.Description ?? '',
    SigningProtocol: 'sigv4',
    OriginAccessControlOriginType: 's3',
    Name: name,
    SigningBehavior: signing,
  }
}

function identityOf(
  { id, name }: OriginAccess,
  document: StoredDocument | undefined,
): CloudFrontOriginAccessIdentityConfig {
  const sent = document?.config as CloudFrontOriginAccessIdentityConfig | null | undefined // written as one
  return sent ?? { CallerReference: id, Comment: name }
}

function ofOwn<C extends object>(
  own: OriginAccess,
  document: StoredDocument | undefined,
  config: C,
): Entity<C> {
  const created = document?.createdAt ?? EPOCH
  return {
    id: own.id,
    config,
    created,
    modified: document?.modifiedAt ?? created,
    revision: document?.revision ?? 0,
  }
}

const EPOCH = 0 as StoredDocument['createdAt'] // before everything

function withoutOwn<C extends object>(
  documents: ReadonlyMap<string, StoredDocument>,
  own: readonly OriginAccess[],
): Entity<C>[] {
  return [...documents.values()]
    .filter(each => !own.some(({ id }) => id === each.id))
    .map(each => ({
      id: each.id,
      config: each.config as C, // written as one
      created: each.createdAt,
      modified: each.modifiedAt,
      revision: each.revision,
    }))
}
