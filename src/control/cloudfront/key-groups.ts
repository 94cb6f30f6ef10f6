import type { KeyGroupId, KeyId } from '../../core/index.ts'
import {
  channelsOfSnapshot,
  deleteKeyGroup,
  keyGroupsWithKeys,
  listDistributions,
  listDocuments,
  listKeyGroupTimes,
  listPublicKeys,
  saveDocument,
  saveKeyGroup,
  type Tx,
} from '../database/index.ts'
import { checkComment, checkName, refuseTwins } from './names.ts'
import { CloudFrontError } from './operation.ts'
import type { Entity, Kind } from './resource.ts'
import type { KeyGroupConfig } from './shapes.ts'

const MOST_KEYS = 100

/** Whom behaviours and channels trust; the groups of `sluice keys` are among them. */
export const keyGroups: Kind<KeyGroupConfig> = {
  kind: 'KeyGroup',
  configMember: 'KeyGroupConfig',
  path: '/2020-05-31/key-group',
  errors: { missing: 'NoSuchResource', exists: 'KeyGroupAlreadyExists', tooMany: 'TooManyKeyGroups' },
  most: 1_000,
  all: allGroups,
  async make(tx, config) {
    refuseEmpty(config)
    return save(tx, undefined, config)
  },
  async change(tx, { id, config: before }, config) {
    // One whose keys were all deleted opens nothing, and may stay so.
    if ((before.Items ?? []).length > 0) refuseEmpty(config)
    await save(tx, id as KeyGroupId, config) // of one that there is
  },
  async remove(tx, { id }) {
    const users = await listDistributions(tx)
    const user = users.find(each =>
      each.behaviours.some(({ gate }) => gate?.keyGroups.some(group => group === id)),
    )
    if (user)
      throw new CloudFrontError(
        'ResourceInUse',
        `the distribution ${user.id} trusts it: take it out there first`,
      )
    const channel = (await channelsOfSnapshot(tx)).find(each =>
      each.ingest.keyGroups.some(group => group === id),
    )
    if (channel)
      throw new CloudFrontError(
        'ResourceInUse',
        `the channel ${channel.path} trusts it: delete that one first, sluice live delete ${channel.path}`,
      )
    await deleteKeyGroup(tx, id as KeyGroupId) // as above
  },
}

function refuseEmpty({ Items: keys = [] }: KeyGroupConfig): void {
  if (keys.length === 0) throw new CloudFrontError('InvalidArgument', 'a key group needs a public key')
}

async function save(tx: Tx, before: KeyGroupId | undefined, config: KeyGroupConfig): Promise<string> {
  const { Name: name = '', Items: keys = [] } = config
  checkName(name)
  checkComment(config.Comment)
  refuseTwins(
    'KeyGroupAlreadyExists',
    { id: before ?? '', name },
    (await keyGroupsWithKeys(tx)).map(each => ({ id: each.id, name: each.name })),
  )
  if (keys.length > MOST_KEYS)
    throw new CloudFrontError('TooManyPublicKeysInKeyGroup', `a key group has ${MOST_KEYS} keys at most`)
  const known = await listPublicKeys(tx)
  const strange = keys.find(key => !known.some(each => each.id === key))
  if (strange !== undefined)
    throw new CloudFrontError('InvalidArgument', `there is no public key ${strange.slice(0, 80)}`)
  const id = await saveKeyGroup(tx, { id: before, name, keys: [...new Set(keys)] as KeyId[] }) // found above
  await saveDocument(tx, { kind: 'KeyGroup', id, name, config })
  return id
}

async function allGroups(tx: Tx): Promise<Entity<KeyGroupConfig>[]> {
  const documents = await listDocuments(tx, 'KeyGroup')
  const times = await listKeyGroupTimes(tx)
  return (await keyGroupsWithKeys(tx)).flatMap(({ id, name, keys }) => {
    const created = times.get(id)
    if (created === undefined) return []
    const document = documents.get(id)
    const sent = document?.config as KeyGroupConfig | null | undefined // written as one
    const ids: string[] = keys.map(key => key.id)
    // In the order of the document, while it still says the same.
    const items = sent?.Items && isSameSet(sent.Items, ids) ? sent.Items : ids
    return [
      {
        id,
        config: { Name: name, Items: items, Comment: sent?.Comment ?? '' },
        created,
        modified: document?.modifiedAt ?? created,
        revision: document?.revision ?? 0,
      },
    ]
  })
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join() === [...other].sort().join()
}
