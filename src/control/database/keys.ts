import { and, asc, eq } from 'drizzle-orm'
import { newKeyGroupId, newKeyId, type Instant, type KeyGroupId, type KeyId } from '../../core/index.ts'
import type { KeyGroupChange, KeyGroupInfo, KeyInfo } from '../../client/index.ts'
import type { KeyGroup, PublicKey } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { deleteDocument } from './documents.ts'
import { keyGroupMembers, keyGroups, publicKeys } from './tables.ts'

export async function keyGroupsWithKeys(tx: Tx): Promise<KeyGroup[]> {
  const groups = await tx.sql.select().from(keyGroups).orderBy(asc(keyGroups.createdAt), asc(keyGroups.id))
  const members = await tx.sql
    .select({ groupId: keyGroupMembers.groupId, key: publicKeys })
    .from(keyGroupMembers)
    .innerJoin(publicKeys, eq(publicKeys.id, keyGroupMembers.keyId))
    .orderBy(asc(publicKeys.createdAt), asc(publicKeys.id))
  return groups.map(({ id, name, sha1, withoutResource }) => ({
    id,
    name,
    keys: members
      .filter(member => member.groupId === id)
      .map(({ key }) => ({ id: key.id, name: key.name, type: key.type, pem: key.pem })),
    sha1,
    withoutResource,
  }))
}

export async function listKeys(tx: Tx): Promise<KeyInfo[]> {
  const rows = await tx.sql.select().from(publicKeys).orderBy(asc(publicKeys.createdAt), asc(publicKeys.id))
  const groups = await keyGroupsWithKeys(tx)
  return rows.map(({ id, name, type, createdAt }) => ({
    id,
    name,
    groups: groups.filter(group => group.keys.some(key => key.id === id)).map(group => group.name),
    type,
    createdAt: new Date(createdAt).toISOString(),
  }))
}

export async function listKeyGroups(tx: Tx): Promise<KeyGroupInfo[]> {
  const groups = await keyGroupsWithKeys(tx)
  return groups.map(group => ({ ...group, keys: group.keys.map(key => key.id) }))
}

/** By name or id, an id first; undefined when there is none, else the snapshot version that carries the change. */
export async function changeKeyGroup(
  tx: Tx,
  asked: string,
  change: KeyGroupChange,
): Promise<number | undefined> {
  const groups = await tx.sql.select({ id: keyGroups.id, name: keyGroups.name }).from(keyGroups)
  const group = groups.find(each => each.id === asked) ?? groups.find(each => each.name === asked)
  if (!group) return undefined
  const { sha1, withoutResource } = change
  const set = {
    ...(sha1 === undefined ? {} : { sha1 }),
    ...(withoutResource === undefined ? {} : { withoutResource }),
  }
  if (Object.keys(set).length > 0) await tx.sql.update(keyGroups).set(set).where(eq(keyGroups.id, group.id))
  return tx.bump()
}

export async function findKeyGroup(tx: Tx, name: string): Promise<KeyGroup | undefined> {
  return (await keyGroupsWithKeys(tx)).find(group => group.name === name)
}

/** The group of this name, made where there is none. */
export async function ensureKeyGroup(tx: Tx, name: string): Promise<{ id: KeyGroup['id']; made: boolean }> {
  const [known] = await tx.sql.select({ id: keyGroups.id }).from(keyGroups).where(eq(keyGroups.name, name))
  if (known) return { id: known.id, made: false }
  await tx.bump()
  const id = newKeyGroupId()
  await tx.sql.insert(keyGroups).values({ id, name, sha1: 'accept', createdAt: tx.now })
  return { id, made: true }
}

export interface ImportKey {
  name: string
  type: 'rsa' | 'p256'
  /** As `readPublicKey` writes it, so that equal keys are equal texts. */
  pem: string
  group: string
}

/**
 * Adds a key to a group. The same key under the same name is the same key there, so importing twice changes nothing; in
 * another group it gets another id, so that each can be taken back by itself.
 */
export async function importKey(tx: Tx, key: ImportKey): Promise<{ id: KeyId; groupMade: boolean }> {
  const { id: groupId, made: groupMade } = await ensureKeyGroup(tx, key.group)
  const [known] = await tx.sql
    .select({ id: publicKeys.id })
    .from(publicKeys)
    .innerJoin(keyGroupMembers, eq(keyGroupMembers.keyId, publicKeys.id))
    .where(
      and(eq(publicKeys.pem, key.pem), eq(publicKeys.name, key.name), eq(keyGroupMembers.groupId, groupId)),
    )
  if (known) return { id: known.id, groupMade }
  await tx.bump()
  const id = newKeyId()
  const { name, type, pem } = key
  await tx.sql.insert(publicKeys).values({ id, name, type, pem, createdAt: tx.now })
  await tx.sql.insert(keyGroupMembers).values({ groupId, keyId: id })
  return { id, groupMade }
}

export async function deleteKey(tx: Tx, id: string): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql
    .delete(publicKeys)
    .where(eq(publicKeys.id, id as KeyId)) // compared only
    .returning({ id: publicKeys.id })
  if (gone.length === 0) return 'absent'
  await deleteDocument(tx, 'PublicKey', id)
  await tx.bump()
  return 'deleted'
}

/** A key with the time at which it came. */
export interface StoredKey extends PublicKey {
  createdAt: Instant
}

/** Every key, whether or not a group has it. */
export async function listPublicKeys(tx: Tx): Promise<StoredKey[]> {
  const rows = await tx.sql.select().from(publicKeys).orderBy(asc(publicKeys.createdAt), asc(publicKeys.id))
  return rows.map(row => ({ ...row, createdAt: row.createdAt as Instant })) // written as one
}

/** A key that no group has yet. */
export async function addPublicKey(tx: Tx, key: Omit<PublicKey, 'id'>): Promise<KeyId> {
  const id = newKeyId()
  await tx.sql.insert(publicKeys).values({ id, ...key, createdAt: tx.now })
  await tx.bump()
  return id
}

export async function listKeyGroupTimes(tx: Tx): Promise<Map<KeyGroupId, Instant>> {
  const { id, createdAt } = keyGroups
  const rows = await tx.sql.select({ id, createdAt }).from(keyGroups)
  return new Map(rows.map(row => [row.id, row.createdAt as Instant])) // written as one
}

/** Makes a group with these keys, or gives the one of this id another name and other keys. */
export async function saveKeyGroup(
  tx: Tx,
  group: { id: KeyGroupId | undefined; name: string; keys: readonly KeyId[] },
): Promise<KeyGroupId> {
  const id = group.id ?? newKeyGroupId()
  const { name, keys } = group
  await tx.sql
    .insert(keyGroups)
    .values({ id, name, sha1: 'accept', createdAt: tx.now })
    .onConflictDoUpdate({ target: keyGroups.id, set: { name } })
  await tx.sql.delete(keyGroupMembers).where(eq(keyGroupMembers.groupId, id))
  if (keys.length > 0)
    await tx.sql.insert(keyGroupMembers).values(keys.map(keyId => ({ groupId: id, keyId })))
  await tx.bump()
  return id
}

/** Its keys stay. Who names it has to be asked before. */
export async function deleteKeyGroup(tx: Tx, id: KeyGroupId): Promise<void> {
  await tx.sql.delete(keyGroups).where(eq(keyGroups.id, id))
  await deleteDocument(tx, 'KeyGroup', id)
  await tx.bump()
}
