import { SluiceError } from '../core/index.ts'

/** Somebody asked for something that cannot be meant; exit code 2. */
export function usage(code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind: 'usage' })
}
