import { asc, eq } from 'drizzle-orm'
import type { Scope, TokenInfo } from '../../client/index.ts'
import type { Tx } from './database.ts'
import { tokens } from './tables.ts'

export async function insertToken(
  tx: Tx,
  token: { id: string; name: string; sha256: string; scopes: Scope[] },
): Promise<TokenInfo> {
  await tx.sql.insert(tokens).values({ ...token, createdAt: tx.now })
  const { id, name, scopes } = token
  return { id, name, scopes, createdAt: new Date(tx.now).toISOString() }
}

export async function listTokens(tx: Tx): Promise<TokenInfo[]> {
  const rows = await tx.sql.select().from(tokens).orderBy(asc(tokens.createdAt), asc(tokens.id))
  return rows.map(({ id, name, scopes, createdAt }) => ({
    id,
    name,
    scopes,
    createdAt: new Date(createdAt).toISOString(),
  }))
}

export async function deleteToken(tx: Tx, id: string): Promise<'deleted' | 'absent'> {
  const gone = await tx.sql.delete(tokens).where(eq(tokens.id, id)).returning({ id: tokens.id })
  return gone.length === 0 ? 'absent' : 'deleted'
}

export async function findTokenScopes(tx: Tx, sha256: string): Promise<Scope[] | undefined> {
  const [row] = await tx.sql.select({ scopes: tokens.scopes }).from(tokens).where(eq(tokens.sha256, sha256))
  return row?.scopes
}
