import { and, asc, eq } from 'drizzle-orm'
import type { Instant } from '../../core/index.ts'
import type { Tx } from './database.ts'
import { cloudfrontDocuments } from './tables.ts'

/** Kinds of documents, as CloudFront's operations call them. */
export type DocumentKind =
  | 'Distribution'
  | 'PublicKey'
  | 'KeyGroup'
  | 'CachePolicy'
  | 'OriginRequestPolicy'
  | 'ResponseHeadersPolicy'
  | 'OriginAccessControl'
  | 'CloudFrontOriginAccessIdentity'
  | 'FieldLevelEncryption'
  | 'FieldLevelEncryptionProfile'
  | 'MonitoringSubscription'

/** What was sent through CloudFront's API, as it was sent. */
export interface StoredDocument {
  kind: DocumentKind
  id: string
  name: string | null
  reference: string | null
  /** Null where only tags are kept. */
  config: object | null
  revision: number
  tags: Record<string, string>
  createdAt: Instant
  modifiedAt: Instant
}

/** Of one kind, by id. */
export async function listDocuments(tx: Tx, kind: DocumentKind): Promise<Map<string, StoredDocument>> {
  const rows = await tx.sql
    .select()
    .from(cloudfrontDocuments)
    .where(eq(cloudfrontDocuments.kind, kind))
    .orderBy(asc(cloudfrontDocuments.id))
  return new Map(rows.map(row => [row.id, documentOf(row)]))
}

export async function findDocument(
  tx: Tx,
  kind: DocumentKind,
  id: string,
): Promise<StoredDocument | undefined> {
  const [row] = await tx.sql.select().from(cloudfrontDocuments).where(is(kind, id))
  return row && documentOf(row)
}

export interface NewDocument {
  kind: DocumentKind
  id: string
  name?: string | undefined
  reference?: string | undefined
  config: object | null
  /** As they were when left out. */
  tags?: Record<string, string> | undefined
}

/** Makes it, or puts it in the place of the one of its id, with the next revision. */
export async function saveDocument(tx: Tx, document: NewDocument): Promise<void> {
  const { kind, id, name = null, reference = null, config } = document
  const before = await findDocument(tx, kind, id)
  const change = {
    ...{ name, reference, config, modifiedAt: tx.now },
    tags: document.tags ?? before?.tags ?? {},
    revision: (before?.revision ?? 0) + 1,
  }
  await tx.sql
    .insert(cloudfrontDocuments)
    .values({ kind, id, ...change, createdAt: tx.now })
    .onConflictDoUpdate({ target: [cloudfrontDocuments.kind, cloudfrontDocuments.id], set: change })
}

export async function saveTags(
  tx: Tx,
  kind: DocumentKind,
  id: string,
  tags: Record<string, string>,
): Promise<void> {
  await tx.sql
    .insert(cloudfrontDocuments)
    .values({ kind, id, config: null, revision: 0, tags, createdAt: tx.now, modifiedAt: tx.now })
    .onConflictDoUpdate({ target: [cloudfrontDocuments.kind, cloudfrontDocuments.id], set: { tags } })
}

export async function deleteDocument(tx: Tx, kind: DocumentKind, id: string): Promise<void> {
  await tx.sql.delete(cloudfrontDocuments).where(is(kind, id))
}

function is(kind: DocumentKind, id: string): ReturnType<typeof and> {
  return and(eq(cloudfrontDocuments.kind, kind), eq(cloudfrontDocuments.id, id))
}

function documentOf(row: typeof cloudfrontDocuments.$inferSelect): StoredDocument {
  return {
    ...row,
    kind: row.kind as DocumentKind, // written as one
    createdAt: row.createdAt as Instant, // as above
    modifiedAt: row.modifiedAt as Instant, // as above
  }
}
