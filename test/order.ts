import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where the tests are that start Sluice itself: seconds where others take tenths. */
const LONG = [
  '/test/e2e/',
  '/test/full/',
  '/test/cli/up.test.ts',
  '/test/readme',
  '/test/origin/',
  '/test/delivery/',
]

/**
 * What takes long begins first, so that no core is idle at the end while the other plays a film. Vitest orders by what
 * it measured before, and where it has not, in a fresh clone, by the sizes of the files, which says little.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex(part => moduleId.includes(part))
      return at === -1 ? LONG.length : at
    }
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}
