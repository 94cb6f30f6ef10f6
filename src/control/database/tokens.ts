import { asc, eq } from 'drizzle-orm'
import type { Scope, TokenInfo } from '../../client/index.ts'
import type { Tx } from './database.ts'
import { accessKeys, tokens } from './tables.ts'

export interface NewTokenRow {
  id: string
  name: string
  sha256: string
  scopes: Scope[]
  accessKey: { id: string; secret: string }
}

export async function insertToken(
  tx: Tx,
  { accessKey, ...token }: NewTokenRow,
): Promise<TokenInfo & { accessKeyId: string }> {
  const createdAt = tx.now
  await tx.sql.insert(tokens).values({ ...token, createdAt })
  await tx.sql.insert(accessKeys).values({ ...accessKey, tokenId: token.id, createdAt })
  const { id, name, scopes } = token
  return { id, name, scopes, accessKeyId: accessKey.id, createdAt: new Date(createdAt).toISOString() }
}

export async function listTokens(tx: Tx): Promise<TokenInfo[]> {
  const rows = await tx.sql
    .select({ token: tokens, accessKeyId: accessKeys.id })
    .from(tokens)
    .leftJoin(accessKeys, eq(accessKeys.tokenId, tokens.id))
    .orderBy(asc(tokens.createdAt), asc(tokens.id))
  return rows.map(({ token: { id, name, scopes, createdAt }, accessKeyId }) => ({
    ...{ id, name, scopes, accessKeyId },
    createdAt: new Date(createdAt).toISOString(),
  }))
}

/** Its access key goes with it. */
export async function deleteToken(tx: Tx, id: string): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql.delete(tokens).where(eq(tokens.id, id)).returning({ id: tokens.id })
  return gone.length === 0 ? 'absent' : 'deleted'
}

export async function findTokenScopes(tx: Tx, sha256: string): Promise<Scope[] | undefined> {
  const [row] = await tx.sql.select({ scopes: tokens.scopes }).from(tokens).where(eq(tokens.sha256, sha256))
  return row?.scopes
}

export interface AccessKeyRow {
  secret: string
  /** Of its token. */
  name: string
  scopes: Scope[]
}

export async function findAccessKey(tx: Tx, id: string): Promise<AccessKeyRow | undefined> {
  const [row] = await tx.sql
    .select({ secret: accessKeys.secret, name: tokens.name, scopes: tokens.scopes })
    .from(accessKeys)
    .innerJoin(tokens, eq(accessKeys.tokenId, tokens.id))
    .where(eq(accessKeys.id, id))
  return row
}
