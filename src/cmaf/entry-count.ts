import { refuse } from './refusal.ts'
import type { Window } from './window.ts'

/** The count of a table's entries, once it is sure that they are there. */
export function entryCount(table: Window, entrySize: number, countAt = 4): number {
  const count = table.u32(countAt)
  if (count * entrySize > table.length - countAt - 4) {
    refuse('malformed', `The "${table.name}" table claims ${count} entries and does not hold them.`)
  }
  return count
}
