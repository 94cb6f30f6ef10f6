import { randomUUID } from 'node:crypto'
import type { ObjectStore } from './contract.ts'
import { objectKey } from './object-key.ts'

const KEY = objectKey('installation')
/** Longer ones are not ours. */
const LONGEST = 100

/** What tells a store from all others: who reads the same mark reads and writes the same objects. Undefined before the first. */
export async function readMark(store: ObjectStore): Promise<string | undefined> {
  const found = await store.readVersion(KEY)
  const mark = found && Buffer.from(found.body).toString().trim()
  return mark !== undefined && mark !== '' && mark.length <= LONGEST ? mark : undefined
}

/** The mark of a store, which is given one where it has none. */
export async function ensureMark(store: ObjectStore): Promise<string> {
  const known = await readMark(store)
  if (known !== undefined) return known
  const made = randomUUID()
  // Of two that make one at once the first stays.
  if ((await store.putVersion(KEY, Buffer.from(`${made}\n`), undefined)) === 'written') return made
  return (await readMark(store)) ?? made
}
