import { readFile } from 'node:fs/promises'
import { codeOf, messageOf, SluiceError } from '../../core/index.ts'
import type { Model } from '../../restxml/index.ts'

/** What a build has; it is made of a package that is there for building alone. */
const BUILT = new URL('./model.json', import.meta.url)
const MAKER = new URL('./make-model.mjs', import.meta.url)

/** CloudFront's API of 2020-05-31. Where there is no build beside this file, as in tests, it is made anew. */
export async function loadModel(): Promise<Model> {
  try {
    return JSON.parse(await readFile(BUILT, 'utf8')) as Model // made by make-model.mjs in the same build
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw notThere(error)
  }
  try {
    const { makeModel } = (await import(/* @vite-ignore */ MAKER.href)) as { makeModel: () => Model } // it has no types
    return makeModel()
  } catch (error) {
    throw notThere(error)
  }
}

function notThere(cause: unknown): SluiceError {
  return new SluiceError(
    'no-model',
    `the model of the CloudFront API cannot be read (${messageOf(cause)}): build or install Sluice again`,
    { cause },
  )
}
