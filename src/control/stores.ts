import { newStoreId, SluiceError, type StoreId } from '../core/index.ts'
import type { ChangedStore, NewStore, StoreChange, StoreInfo } from '../client/index.ts'
import {
  deleteStore,
  findBlob,
  listFunctions,
  listStores,
  readMeta,
  saveBlob,
  saveStore,
  type StoredFunction,
  type StoredStore,
  type Tx,
} from './database/index.ts'
import { conflict, refusedInput } from './refusals.ts'

/** Each is held in the memory of every edge that reads it. */
export const MOST_STORES = 100
/** CloudFront's limits: of a whole store in bytes, of keys and values in characters. */
const LARGEST = 5 * 1024 * 1024
const LONGEST_KEY = 512
const LONGEST_VALUE = 1024

export type Items = Readonly<Record<string, string>>

export async function listStoreInfos(tx: Tx): Promise<StoreInfo[]> {
  const functions = await listFunctions(tx)
  return (await listStores(tx)).map(each => infoOf(each, functions))
}

/** By id or name; throws `not-found`. */
export async function findStore(tx: Tx, asked: string): Promise<StoredStore> {
  const all = await listStores(tx)
  const found = all.find(({ id }) => id === asked) ?? all.find(({ name }) => name === asked)
  if (found) return found
  const message = `there is no key value store ${asked}: sluice stores list names them`
  throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}

export async function storeInfo(tx: Tx, store: StoredStore): Promise<StoreInfo> {
  return infoOf(store, await listFunctions(tx))
}

export async function itemsOfStore(tx: Tx, { data }: StoredStore): Promise<Items> {
  const bytes = await findBlob(tx, data.sha256)
  if (bytes === undefined) throw new Error(`the blob ${data.sha256} is missing`)
  return JSON.parse(Buffer.from(bytes).toString('utf8')) as Items // written as one
}

export async function createStore(
  tx: Tx,
  { name, comment = '', items = {} }: NewStore,
): Promise<StoredStore> {
  const all = await listStores(tx)
  if (all.length >= MOST_STORES)
    throw conflict('too-many', `there are ${MOST_STORES} key value stores already: delete one first`)
  if (all.some(each => each.name === name))
    throw conflict(
      'exists',
      `there is a key value store "${name}" already: use another name, or put into that one`,
    )
  const own = { id: newStoreId(), name, comment, revision: 1, createdAt: tx.now, modifiedAt: tx.now }
  return save(tx, own, new Map(Object.entries(items)))
}

/** Functions read it as it is from the snapshot version on that is given. */
export async function changeStore(tx: Tx, asked: string, change: StoreChange): Promise<ChangedStore> {
  const before = await findStore(tx, asked)
  const items = new Map(Object.entries(await itemsOfStore(tx, before)))
  for (const key of change.remove ?? []) {
    if (items.delete(key)) continue
    const message = `the store "${before.name}" has no key "${key}": sluice stores get ${before.name} lists them`
    throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
  }
  for (const [key, value] of Object.entries(change.put ?? {})) items.set(key, value)
  const own = {
    ...before,
    comment: change.comment ?? before.comment,
    revision: before.revision + 1,
    modifiedAt: tx.now,
  }
  const store = await save(tx, own, items)
  return { store: await storeInfo(tx, store), snapshotVersion: await tx.bump() }
}

/** Refused while a function names it. */
export async function removeStore(tx: Tx, asked: string): Promise<number> {
  const { id, name } = await findStore(tx, asked)
  const [user] = readersOf(id, await listFunctions(tx))
  if (user !== undefined)
    throw conflict(
      'in-use',
      `the key value store "${name}" is read by the function ${user}: take it out there first`,
    )
  await deleteStore(tx, id)
  return (await readMeta(tx)).version
}

/** The functions that name it, at whatever stage. */
export function readersOf(id: StoreId, functions: readonly StoredFunction[]): string[] {
  return functions
    .filter(({ development, live, versions }) =>
      [development, live, ...versions.map(each => each.stage)].some(stage => stage?.store === id),
    )
    .map(({ name }) => name)
}

async function save(
  tx: Tx,
  own: Omit<StoredStore, 'data' | 'items'>,
  items: ReadonlyMap<string, string>,
): Promise<StoredStore> {
  // In one order, so that the same items are the same bytes.
  const sorted = [...items].sort(([one], [other]) => (one < other ? -1 : 1))
  const bytes = Buffer.from(JSON.stringify(Object.fromEntries(sorted)))
  const problems = itemProblems(own.name, sorted, bytes.length)
  if (problems.length > 0) throw refusedInput('bad-store', problems)
  const store = { ...own, items: sorted.length, data: await saveBlob(tx, bytes) }
  await saveStore(tx, store)
  return store
}

function itemProblems(name: string, items: readonly (readonly [string, string])[], bytes: number): string[] {
  const place = `the key value store "${name}"`
  const problems = items.flatMap(([key, value]) => [
    ...(key === '' ? [`a key of ${place} is empty: give it a name`] : []),
    ...(key === '__proto__' ? [`${place} cannot have the key "__proto__": use another`] : []),
    ...(key.length > LONGEST_KEY
      ? [`the key "${key.slice(0, 40)}…" of ${place} has ${key.length} characters: ${LONGEST_KEY} at most`]
      : []),
    ...(value.length > LONGEST_VALUE
      ? [
          `the value of "${key.slice(0, 80)}" in ${place} has ${value.length} characters: ${LONGEST_VALUE} at most`,
        ]
      : []),
  ])
  if (bytes > LARGEST) problems.push(`${place} would have ${bytes} bytes: ${LARGEST} at most`)
  return problems
}

function infoOf(
  { id, name, comment, items, data, modifiedAt }: StoredStore,
  functions: readonly StoredFunction[],
): StoreInfo {
  return {
    ...{ id, name, comment, items, bytes: data.bytes },
    modifiedAt: new Date(modifiedAt).toISOString(),
    usedBy: readersOf(id, functions),
  }
}
