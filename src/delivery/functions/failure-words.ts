import { SluiceError, type FunctionReason } from '../../core/index.ts'
import type { Unusable } from '../../functions/index.ts'

/** As CloudFront's logs call it, by why. */
export function codeFor(reason: FunctionReason): string {
  if (reason === 'function-busy') return 'FunctionThrottledError'
  return reason === 'function-result' || reason === 'function-header' || reason === 'function-output'
    ? 'FunctionValidationError'
    : 'FunctionExecutionError'
}

export const MESSAGE = 'A function of this site gave no answer that can be used'

/** In place of an origin's answer: the question has failed. */
export function functionFailed({ reason }: Unusable): SluiceError {
  return new SluiceError(reason, MESSAGE, { side: 'upstream', kind: 'unavailable' })
}
