import { SluiceError } from '../../core/index.ts'
import { CloudFrontError } from './operation.ts'

/** Of words that CloudFront's documentation has and its model does not. */
const STATUSES: Readonly<Record<string, number>> = { InvalidationBatchAlreadyExists: 409 }

/** What our own functions refuse, under CloudFront's word for it; the sentence stays. */
export async function inCloudFrontsWords<T>(
  words: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SluiceError) || error instanceof CloudFrontError) throw error
    const word = Object.hasOwn(words, error.code) ? words[error.code] : undefined
    if (word === undefined) throw error
    throw new CloudFrontError(word, error.message, STATUSES[word])
  }
}
