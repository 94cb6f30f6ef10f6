import type { GrantReason } from '../core/index.ts'

/** `unknown`: something before it failed, so there is nothing to look at. */
export type CheckVerdict = 'holds' | 'fails' | 'unknown'

/** One question that is asked of a grant, with its answer. */
export interface GrantCheck {
  /** The word that is told when it fails. */
  check: GrantReason
  verdict: CheckVerdict
  /** A sentence with the values that were compared, one line; never a signature. */
  detail: string
}

// Policies and URLs come from anybody: what moves a terminal's cursor or turns its text round is not repeated.
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

export function grantCheck(check: GrantReason, verdict: CheckVerdict, detail: string): GrantCheck {
  return { check, verdict, detail: oneLine(detail) }
}

export function oneLine(text: string): string {
  return text.replace(UNFIT, '\ufffd')
}

/** White space stays, so that a policy that was written over several lines is read as it was written. */
export function severalLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNFIT, found => ('\n\t'.includes(found) ? found : '\ufffd'))
}

/** Two path tokens may stand before a path; the second is an ordinary path to the gate and a signature to a reader. */
export function withoutTokens(text: string): string {
  return text.replace(/\/(?:~|%7e)[^/?]*(?:\.|%2e)[^/?]*(?:\.|%2e)[^/?]*/gi, '/~…')
}

/** An id names a key to everybody; what is none may be a secret that was pasted into its place. */
export function shownKeyId(id: string): string {
  return /^[A-Za-z0-9-]{1,64}$/.test(id) ? id : `${oneLine(id.slice(0, 8))}…`
}
