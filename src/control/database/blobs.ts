import { createHash } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import type { Blob } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { blobs } from './tables.ts'

/** Keeps bytes under their digest; the same ones are kept once. */
export async function saveBlob(tx: Tx, bytes: Uint8Array): Promise<Blob> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await tx.sql.insert(blobs).values({ sha256, bytes }).onConflictDoNothing()
  return { sha256, bytes: bytes.length }
}

export async function findBlob(tx: Tx, sha256: string): Promise<Uint8Array | undefined> {
  const [row] = await tx.sql.select().from(blobs).where(eq(blobs.sha256, sha256))
  return row?.bytes
}

const UNUSED = sql`${blobs.sha256} not in (
  select sha256 from function_stages union select sha256 from key_value_stores
)`

/** Whether there is any that no function and no store has. */
export async function hasUnusedBlobs(tx: Tx): Promise<boolean> {
  return (await tx.sql.select({ sha256: blobs.sha256 }).from(blobs).where(UNUSED).limit(1)).length > 0
}

export async function deleteUnusedBlobs(tx: Tx): Promise<void> {
  await tx.sql.delete(blobs).where(UNUSED)
}
