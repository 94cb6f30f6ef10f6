/** Whose side an error is on: who asked, what we asked upstream, this machine, or how it was set up. */
export type Side = 'viewer' | 'upstream' | 'us' | 'operator'

/** What the one who asked can do about it; the command line turns it into an exit code, a server into a status. */
export type ErrorKind = 'failed' | 'usage' | 'not-found' | 'conflict' | 'unauthorised' | 'unavailable'

export interface ErrorOptions {
  side?: Side
  kind?: ErrorKind
  cause?: unknown
}

/**
 * An error that may reach a person. `code` is stable and safe to match on; the message is one sentence that says
 * what is wrong and how to mend it, and holds no secret.
 */
export class SluiceError extends Error {
  readonly code: string
  readonly side: Side
  readonly kind: ErrorKind

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SluiceError'
    this.code = code
    this.side = options.side ?? 'us'
    this.kind = options.kind ?? 'failed'
  }
}

/** HTTP statuses of our own APIs, one for each kind. */
export const STATUS_OF_KIND: Record<ErrorKind, number> = {
  failed: 500,
  usage: 400,
  'not-found': 404,
  conflict: 409,
  unauthorised: 401,
  unavailable: 503,
}

/** Exit codes of the command line (INTERFACE.md, "Command line"). */
export const EXIT_OF_KIND: Record<ErrorKind, number> = {
  failed: 1,
  usage: 2,
  'not-found': 3,
  conflict: 4,
  unauthorised: 5,
  unavailable: 1,
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of anything that was thrown: ours, or the operating system's (`ENOENT`, `ECONNREFUSED`, …). */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
