import { asc, eq } from 'drizzle-orm'
import type { Instant, StoreId } from '../../core/index.ts'
import type { Blob } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { keyValueStores } from './tables.ts'

/** What functions read by key. */
export interface StoredStore {
  id: StoreId
  name: string
  comment: string
  /** A JSON object of strings. */
  data: Blob
  /** How many keys it has. */
  items: number
  /** Counts its changes. */
  revision: number
  createdAt: Instant
  modifiedAt: Instant
}

/** By name. */
export async function listStores(tx: Tx): Promise<StoredStore[]> {
  const rows = await tx.sql.select().from(keyValueStores).orderBy(asc(keyValueStores.name))
  return rows.map(({ sha256, size, ...rest }) => ({
    ...rest,
    data: { sha256, bytes: size },
    createdAt: rest.createdAt as Instant, // written as one
    modifiedAt: rest.modifiedAt as Instant, // as above
  }))
}

/** Makes it, or puts it in the place of the one of its id. */
export async function saveStore(tx: Tx, { data, ...rest }: StoredStore): Promise<void> {
  const row = { ...rest, sha256: data.sha256, size: data.bytes }
  await tx.sql.insert(keyValueStores).values(row).onConflictDoUpdate({ target: keyValueStores.id, set: row })
}

/** Throws while a function names it. */
export async function deleteStore(tx: Tx, id: StoreId): Promise<void> {
  await tx.sql.delete(keyValueStores).where(eq(keyValueStores.id, id))
}
