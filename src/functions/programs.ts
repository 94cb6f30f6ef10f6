import { reader, Type } from '../core/index.ts'
import type { Materials, Snapshot } from '../distribution/index.ts'
import type { Program, Stores } from './contract.ts'

const readStore = reader(Type.Record(Type.String(), Type.String()), 'the key value store')

/** What a snapshot's functions are, and what they read, as a runner follows them. Throws of a blob that is not there. */
export function programsOf(
  { functions = [], stores = [] }: Pick<Snapshot, 'functions' | 'stores'>,
  materials: Materials,
): { programs: Program[]; stores: Stores } {
  const text = (sha256: string): string => {
    const bytes = materials.get(sha256)
    if (bytes === undefined) throw new Error(`the blob ${sha256} was not handed over with its snapshot`)
    return Buffer.from(bytes).toString('utf8')
  }
  const programs = functions.map(({ id, runtime, code, store, hosts }) => ({
    ...{ id, runtime, code: text(code.sha256) },
    ...(store !== undefined && { store }),
    ...(hosts !== undefined && { hosts }),
  }))
  const read = stores.map(({ id, data }) => {
    const entries = Object.entries(readStore(JSON.parse(text(data.sha256))))
    return [id, new Map(entries)] as const
  })
  return { programs, stores: new Map(read) }
}
