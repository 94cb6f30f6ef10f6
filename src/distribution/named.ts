import type { Named } from './schema.ts'

/** Whether a choice takes in this name; case counts. */
export function namesIt(choice: Named, name: string): boolean {
  if (choice === 'none' || choice === 'all') return choice === 'all'
  return Array.isArray(choice) ? choice.includes(name) : !choice.except.includes(name)
}

/** Whether it can take in any at all. */
export function namesAny(choice: Named | undefined): boolean {
  return choice !== undefined && choice !== 'none' && !(Array.isArray(choice) && choice.length === 0)
}

/** The names that it holds, taken in or left out. */
export function namesIn(choice: Named | undefined): readonly string[] {
  if (choice === undefined || typeof choice === 'string') return []
  return Array.isArray(choice) ? choice : choice.except
}
