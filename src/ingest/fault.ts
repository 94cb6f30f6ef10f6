import { SluiceError } from '../core/index.ts'

/** What an encoder did against the protocol; its connection is closed, nobody else's. */
export function fault(sentence: string): SluiceError {
  return new SluiceError('bad-rtmp', sentence, { side: 'viewer' })
}
