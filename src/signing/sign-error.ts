/** What is wrong with what was handed to `sluice/sign`. */
export type SignErrorCode =
  | 'bad-key'
  | 'bad-url'
  | 'bad-resource'
  | 'bad-time'
  | 'bad-policy'
  | 'bad-cookie'
  | 'bad-path'
  | 'too-long'
  | 'no-web-crypto'

/** Thrown by every function of `sluice/sign`. The message says how to mend it and never holds a key. */
export class SignError extends Error {
  readonly code: SignErrorCode

  constructor(code: SignErrorCode, message: string) {
    super(message)
    this.name = 'SignError'
    this.code = code
  }
}
