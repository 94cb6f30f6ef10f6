import { and, asc, eq } from 'drizzle-orm'
import type { FunctionId, Instant, StoreId } from '../../core/index.ts'
import type { Blob, FunctionRuntime } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { functions, functionStages } from './tables.ts'

/** A function at one of its stages. */
export interface FunctionStage {
  runtime: FunctionRuntime
  comment: string
  store: StoreId | null
  hosts: string[]
  code: Blob
  /** Counts changes of the development stage; of the others it is that which was published. */
  revision: number
  createdAt: Instant
  modifiedAt: Instant
}

export interface StoredFunction {
  name: string
  development: FunctionStage
  /** What runs, once it was published; handlers of Lambda@Edge have versions in its place. */
  live?: FunctionStage
  /** By number, oldest first. */
  versions: { version: number; stage: FunctionStage }[]
  /** The highest number that was given out. */
  lastVersion: number
}

export type StageName = 'development' | 'live' | number

/** By name. */
export async function listFunctions(tx: Tx): Promise<StoredFunction[]> {
  const rows = await tx.sql.select().from(functions).orderBy(asc(functions.name))
  const stages = await tx.sql.select().from(functionStages)
  const byName = new Map<string, typeof stages>()
  for (const stage of stages)
    byName.set(stage.functionName, [...(byName.get(stage.functionName) ?? []), stage])
  return rows.flatMap(({ name, lastVersion }) => {
    const own = byName.get(name) ?? []
    const at = (stage: string): FunctionStage | undefined => {
      const row = own.find(each => each.stage === stage)
      return row && stageOf(row)
    }
    const [development, live] = [at('development'), at('live')]
    const versions = own
      .filter(({ stage }) => /^\d+$/.test(stage))
      .map(row => ({ version: Number(row.stage), stage: stageOf(row) }))
      .sort((a, b) => a.version - b.version)
    // Each is made with it.
    return development ? [{ name, development, ...(live && { live }), versions, lastVersion }] : []
  })
}

export async function findFunction(tx: Tx, name: string): Promise<StoredFunction | undefined> {
  return (await listFunctions(tx)).find(each => each.name === name)
}

/** Makes the function with its first stage, or puts another in the place of one; a numbered one is there once. */
export async function saveStage(tx: Tx, name: string, at: StageName, stage: FunctionStage): Promise<void> {
  await tx.sql.insert(functions).values({ name, createdAt: tx.now }).onConflictDoNothing()
  if (typeof at === 'number')
    await tx.sql.update(functions).set({ lastVersion: at }).where(eq(functions.name, name))
  const { code, ...rest } = stage
  const row = { ...rest, sha256: code.sha256, size: code.bytes }
  await tx.sql
    .insert(functionStages)
    .values({ functionName: name, stage: String(at), ...row })
    .onConflictDoUpdate({ target: [functionStages.functionName, functionStages.stage], set: row })
}

export async function deleteFunction(tx: Tx, name: string): Promise<void> {
  await tx.sql.delete(functions).where(eq(functions.name, name))
}

export async function deleteVersion(tx: Tx, name: string, version: number): Promise<void> {
  const own = and(eq(functionStages.functionName, name), eq(functionStages.stage, String(version)))
  await tx.sql.delete(functionStages).where(own)
}

/** What behaviours may name: each live function, and each version of a handler of Lambda@Edge. */
export function runnable(all: readonly StoredFunction[]): { id: FunctionId; stage: FunctionStage }[] {
  return all.flatMap(({ name, live, versions }) => [
    ...(live ? [{ id: name as FunctionId, stage: live }] : []), // named by what it is
    ...versions.map(({ version, stage }) => ({ id: `${name}:${version}` as FunctionId, stage })), // as above
  ])
}

function stageOf(row: typeof functionStages.$inferSelect): FunctionStage {
  const { runtime, comment, store, hosts, sha256, size, revision } = row
  return {
    ...{ runtime, comment, store, hosts, revision },
    code: { sha256, bytes: size },
    createdAt: row.createdAt as Instant, // written as one
    modifiedAt: row.modifiedAt as Instant, // as above
  }
}
