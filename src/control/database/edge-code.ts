import type { Distribution, Snapshot } from '../../distribution/index.ts'
import type { Tx } from './database.ts'
import { listFunctions, runnable } from './functions.ts'
import { listStores } from './stores.ts'

/**
 * The functions that behaviours of enabled distributions name with the stores that these read, and no others: what is written on,
 * and what nobody runs, goes to no node.
 */
export async function edgeCodeOf(
  tx: Tx,
  distributions: readonly Distribution[],
): Promise<Pick<Snapshot, 'functions' | 'stores'>> {
  const behaviours = distributions.filter(({ enabled }) => enabled).flatMap(each => each.behaviours)
  const named = new Set(behaviours.flatMap(each => (each.functions ?? []).map(use => use.function)))
  const functions = named.size === 0 ? [] : await functionsOf(tx, named)
  const read = new Set(functions.flatMap(({ store }) => store ?? []))
  const stores = read.size === 0 ? [] : (await listStores(tx)).filter(({ id }) => read.has(id))
  return {
    ...(functions.length > 0 && { functions }),
    ...(stores.length > 0 && { stores: stores.map(({ id, name, data }) => ({ id, name, data })) }),
  }
}

async function functionsOf(tx: Tx, named: ReadonlySet<string>): Promise<NonNullable<Snapshot['functions']>> {
  return runnable(await listFunctions(tx))
    .filter(({ id }) => named.has(id))
    .map(({ id, stage: { runtime, code, store, hosts } }) => ({
      ...{ id, runtime, code },
      ...(store !== null && { store }),
      ...(hosts.length > 0 && { hosts }),
    }))
}
