import type { FunctionTest, FunctionTested } from '../client/index.ts'
import type { Json } from '../functions/index.ts'
import {
  findBlob,
  findFunction,
  listStores,
  type FunctionStage,
  type StageName,
  type Tx,
} from './database/index.ts'
import { noFunction, stageOf } from './functions.ts'
import type { Trial } from './function-trials.ts'
import type { Services } from './services.ts'
import { itemsOfStore } from './stores.ts'

/** Runs a function here, on an event of the asker's: what it returned, wrote and took, or why it failed. */
export async function tryFunction(
  { database, trials }: Pick<Services, 'database' | 'trials'>,
  name: string,
  { event, stage = 'development' }: FunctionTest,
): Promise<FunctionTested> {
  const trial = await database.read(async tx => {
    const stored = await findFunction(tx, name)
    if (stored === undefined) throw noFunction(name)
    const found = stageOf(stored, readStage(stage))
    return trialOf(tx, { name, stage: found, code: await codeOf(tx, found), event: event as Json }) // came as JSON
  })
  const outcome = await trials.run(trial)
  return {
    result: outcome.kind === 'returned' ? outcome.value : null,
    error: outcome.kind === 'failed' ? { reason: outcome.reason, message: outcome.message } : null,
    ...{ logs: [...outcome.logs], used: Math.round(outcome.used) },
  }
}

export function readStage(stage: string): StageName {
  return stage === 'development' || stage === 'live' ? stage : Number(stage)
}

export async function codeOf(tx: Tx, { code }: FunctionStage): Promise<string> {
  return Buffer.from((await findBlob(tx, code.sha256)) ?? []).toString('utf8')
}

/** With what it reads as it is now. */
export async function trialOf(
  tx: Tx,
  { name, stage, code, event }: { name: string; stage: FunctionStage; code: string; event: Json },
): Promise<Trial> {
  const store = (await listStores(tx)).find(({ id }) => id === stage.store)
  return {
    ...{ name, runtime: stage.runtime, code, hosts: stage.hosts, event },
    store: store && { id: store.id, items: await itemsOfStore(tx, store) },
  }
}
