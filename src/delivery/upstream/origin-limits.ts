import { KiB, SluiceError, type Bytes, type Milliseconds } from '../../core/index.ts'

/** How long an origin is waited for. */
export interface Wire {
  connect: Milliseconds
  /** Until the head of an answer is there, and at most between two pieces of its body. */
  response: Milliseconds
  /** Of a connection without a request. */
  keepAlive: Milliseconds
  /** Versions of TLS that may be spoken with it; whatever both can when left out. */
  tls?: readonly ('1.2' | '1.3')[] | undefined
}

/** The same, as Node has it. */
export function tlsVersions({ tls }: Pick<Wire, 'tls'>): {
  minVersion?: 'TLSv1.2' | 'TLSv1.3'
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
} {
  if (tls === undefined) return {}
  return {
    minVersion: tls.includes('1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: tls.includes('1.3') ? 'TLSv1.3' : 'TLSv1.2',
  }
}

/** Names and values of an answer's head together, and how many fields there are. */
export interface HeadLimits {
  bytes: Bytes
  fields: number
}

/** Of an origin's. */
export const LARGEST_HEAD: Bytes = 32 * KiB
export const MOST_FIELDS = 512

/** Interim answers (RFC 9110 §15.2) that may come before the one that counts. */
export const MOST_INTERIM = 32

export function timedOut(): SluiceError {
  return new SluiceError('upstream-timeout', 'the origin did not answer in time', {
    side: 'upstream',
    kind: 'unavailable',
  })
}

export function unreadable(sentence: string): SluiceError {
  return new SluiceError('upstream-unreadable', sentence, { side: 'upstream', kind: 'unavailable' })
}
