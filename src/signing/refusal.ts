import type { GrantReason } from '../core/index.ts'

/** The XML error that CloudFront answers with, always under status 403. */
export interface CloudFrontError {
  code: 'MissingKey' | 'MalformedPolicy' | 'InvalidKey' | 'AccessDenied'
  message: string
}

const DENIED: CloudFrontError = { code: 'AccessDenied', message: 'Access denied' }

const ERRORS: Partial<Record<GrantReason, CloudFrontError>> = {
  missing: { code: 'MissingKey', message: 'Missing Key-Pair-Id query parameter or cookie value' },
  malformed: { code: 'MalformedPolicy', message: 'Malformed Policy' },
  'unknown-key': { code: 'InvalidKey', message: 'Unknown Key' },
}

/** CloudFront tells three cases apart and denies the rest alike; our own word goes beside it in `X-Sluice-Reason`. */
export function cloudFrontError(reason: GrantReason): CloudFrontError {
  return ERRORS[reason] ?? DENIED
}
