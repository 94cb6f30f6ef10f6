import type { Reason } from '../core/index.ts'
import type { RequestFacts } from './request-facts.ts'

/** How a request ended, in CloudFront's words: `x-edge-result-type` and `x-edge-response-result-type`. */
export type ResultType =
  | 'Hit'
  | 'RefreshHit'
  | 'OriginShieldHit'
  | 'Miss'
  | 'LimitExceeded'
  | 'CapacityExceeded'
  | 'Error'
  | 'Redirect'

/**
 * `x-edge-detailed-result-type`: the result type, or why there was an error. CloudFront has no word for a grant that does
 * not open, so those that begin with `ClientGrant` are ours, one for each reason.
 */
export const DETAILED_TYPES = {
  missing: 'ClientGrantMissing',
  malformed: 'ClientGrantMalformed',
  'unknown-key': 'ClientGrantUnknownKey',
  'weak-hash': 'ClientGrantWeakHash',
  'bad-signature': 'ClientGrantInvalid',
  'wrong-resource': 'ClientGrantWrongResource',
  'wrong-action': 'ClientGrantWrongAction',
  expired: 'ClientGrantExpired',
  'not-yet': 'ClientGrantNotYet',
  'wrong-ip': 'ClientGrantWrongAddress',
  'unknown-host': 'InvalidRequestHeader',
  'not-a-node': 'InvalidRequestBlocked',
  'https-only': 'InvalidRequestBlocked',
  geo: 'ClientGeoBlocked',
  'bad-path': 'InvalidRequest',
  'bad-host': 'InvalidRequestHeader',
  'reserved-path': 'InvalidRequest',
  method: 'InvalidRequestMethod',
  loop: 'InvalidRequestHeader',
  'no-channel': 'Error',
  busy: 'CapacityExceeded',
  'no-play': 'InvalidRequest',
  stopped: 'Error',
  'origin-away': 'OriginConnectError',
  'origin-busy': 'CapacityExceeded',
  'origin-garbled': 'OriginInvalidResponseError',
  'origin-late': 'OriginCommError',
  'bad-media': 'Error',
  'too-much': 'LimitExceeded',
  'too-slow': 'ClientCommError',
  'function-failed': 'FunctionExecutionError',
  'function-timeout': 'FunctionExecutionError',
  'function-memory': 'FunctionExecutionError',
  'function-output': 'FunctionValidationError',
  'function-result': 'FunctionValidationError',
  'function-header': 'FunctionValidationError',
  'function-busy': 'FunctionThrottledError',
  'form-type': 'InvalidRequest',
  'form-profile': 'InvalidRequest',
  'form-malformed': 'InvalidRequest',
  'form-limit': 'LimitExceeded',
  'encryption-busy': 'CapacityExceeded',
  'encryption-failed': 'Error',
} as const satisfies Record<Reason, string>

export type DetailedType =
  ResultType | (typeof DETAILED_TYPES)[Reason] | 'AbortedOrigin' | 'ClientCommError' | 'ClientHungUpRequest'

/** The three of one request. */
export interface ResultTypes {
  /** After the last byte. */
  result: ResultType
  /** As it was when the answer began. */
  response: ResultType
  detailed: DetailedType
}

const PLAIN: ReadonlySet<string> = new Set<ResultType>([
  'Hit',
  'RefreshHit',
  'OriginShieldHit',
  'Miss',
  'Redirect',
])

/** A segment that was found and then left is `Hit` before its last byte and `Error` after it. */
export function resultTypes(facts: ResultFacts): ResultTypes {
  const { result: word, reason, complete, status, brokenBy } = facts
  const detailedReason = reason && DETAILED_TYPES[reason]
  // An edge answers no other request with one of these by itself than one that it sends on to HTTPS.
  if (word === 'Error' && status >= 300 && status < 400 && reason === undefined)
    return resultTypes({ ...facts, result: 'Redirect' })
  const response = PLAIN.has(word) ? (word as ResultType) : errorType(detailedReason) // it is in the set
  if (complete) return { result: response, response, detailed: detailedReason ?? response }
  if (brokenBy === 'origin') return { result: 'Error', response, detailed: 'AbortedOrigin' }
  // Where it was refused and he left before he was told so, why he was refused says more.
  const left = status === 0 ? 'ClientHungUpRequest' : 'ClientCommError'
  return { result: 'Error', response, detailed: detailedReason ?? left }
}

type ResultFacts = Pick<RequestFacts, 'result' | 'reason' | 'complete' | 'status' | 'brokenBy'>

function errorType(detailed: DetailedType | undefined): ResultType {
  return detailed === 'CapacityExceeded' || detailed === 'LimitExceeded' ? detailed : 'Error'
}
