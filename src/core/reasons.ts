/**
 * Why a viewer or an encoder is refused. The same word stands in `X-Sluice-Reason`, in the log and as the label of
 * the metric. The order of the grant reasons is the order in which they are told when several apply (INTERFACE.md,
 * "HTTP at an edge").
 */
export const GRANT_REASONS = [
  'missing',
  'malformed',
  'unknown-key',
  'weak-hash',
  'bad-signature',
  'wrong-resource',
  'wrong-action',
  'expired',
  'not-yet',
  'wrong-ip',
] as const

export type GrantReason = (typeof GRANT_REASONS)[number]

/** Why a function of a behaviour gave no answer that could be used: 502. */
export const FUNCTION_REASONS = [
  'function-failed',
  'function-timeout',
  'function-memory',
  'function-output',
  'function-result',
  'function-header',
  'function-busy',
] as const
export type FunctionReason = (typeof FUNCTION_REASONS)[number]

/** Why a form is not sent on for its fields to be encrypted: the first four are 400, for what the viewer sent. */
export const FORM_REASONS = [
  'form-type',
  'form-profile',
  'form-malformed',
  'form-limit',
  'encryption-busy',
  'encryption-failed',
] as const
export type FormReason = (typeof FORM_REASONS)[number]

export type Reason =
  | GrantReason
  | 'unknown-host'
  | 'not-a-node'
  | 'https-only'
  | 'geo'
  | 'bad-path'
  | 'bad-host'
  | 'reserved-path'
  | 'method'
  | 'loop'
  | 'no-channel'
  | 'busy'
  | 'no-play'
  | 'stopped'
  | 'origin-away'
  | 'origin-busy'
  | 'origin-garbled'
  | 'origin-late'
  | 'bad-media'
  | 'too-much'
  | 'too-slow'
  | FunctionReason
  | FormReason
