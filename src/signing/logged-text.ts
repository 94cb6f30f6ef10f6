import { loggedPath } from './logged-path.ts'

const ESCAPE = /%([0-9a-f]{2})/gi
/** Nobody escapes an escape more often in earnest. */
const MOST_ROUNDS = 5
const HIDDEN = '…'

/**
 * A query or a field as logs may hold it: what `loggedPath` takes out, and nothing of a text in which the same is hidden
 * under further escapes, as it is where one URL stands in another.
 */
export function loggedText(text: string): string {
  const logged = loggedPath(text)
  let plain = logged
  for (let round = 0; plain.includes('%'); round++) {
    const next = plain.replace(ESCAPE, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
    if (next === plain) break
    if (round === MOST_ROUNDS || loggedPath(next) !== next) return HIDDEN
    plain = next
  }
  return logged
}
