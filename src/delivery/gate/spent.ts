import type { Behaviour } from '../../distribution/index.ts'

/** Whether they carried a grant or not: behind a gate these fields mean one, so they are nobody else's to see. */
const SPENT: Record<'none' | 'keys' | 'issuers', ReadonlySet<string>> = {
  none: new Set(),
  keys: new Set(['cookie']),
  issuers: new Set(['authorization', 'cookie']),
}

/** The header fields (lower case) that may carry a grant at a behaviour. */
export function spentAt({ gate }: Behaviour): ReadonlySet<string> {
  if (gate === null) return SPENT.none
  return SPENT[gate.issuers.length > 0 ? 'issuers' : 'keys']
}
