import { SluiceError, type Bytes } from '../../core/index.ts'

/** Why a large object, or a slice of one, cannot be had. */
export function changedMeanwhile(): SluiceError {
  return upstreamError('upstream-changed', 'the origin has another version of this object by now')
}

export function refusedSlice(status: number): SluiceError {
  const code = status >= 500 ? 'upstream-trouble' : 'upstream-unasked'
  return upstreamError(code, `the origin answered ${status} to the question for a part`)
}

export function fellBehind(): SluiceError {
  return upstreamError(
    'upstream-once',
    'this part of the answer has passed, and it cannot be asked for again',
  )
}

export function forEachAlone(): SluiceError {
  return upstreamError('upstream-unshared', 'the origin wants this part shared with nobody')
}

export function endedEarly(): SluiceError {
  return upstreamError('upstream-short', 'the origin sent less than it announced')
}

export function goesOn(): SluiceError {
  return upstreamError('upstream-long', 'the origin sent more than it announced')
}

export function nobodyReads(): SluiceError {
  return upstreamError('unread', 'nobody reads what this transfer brings')
}

export function makesWay(): SluiceError {
  return upstreamError('unread', 'others need the memory of this transfer, whose readers are slow')
}

export function tooLarge(limit: Bytes): SluiceError {
  return upstreamError('too-large', `the answer is longer than ${limit} bytes, the limit for one object`)
}

function upstreamError(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'upstream', kind: 'unavailable' })
}
