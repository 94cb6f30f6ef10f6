import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { SETTINGS } from '../../../src/control/cloudfront/settings.ts'
import { ROOT } from '../../house/tree.ts'

/** The rows of the table, those of the two kinds of behaviours in one. */
function rows(): string[] {
  return [...SETTINGS]
    .filter(([setting]) => !setting.startsWith('DefaultCacheBehavior.'))
    .map(([setting, { how, what }]) => {
      const shown = setting.replace('CacheBehaviors.Items.', '…CacheBehavior.').replaceAll('.Items', '')
      return `| \`${shown}\` | ${how} | ${what} |`.replace('|  |', '| |')
    })
}

describe('docs/CLOUDFRONT.md', () => {
  test('has the table of what becomes of each setting', async () => {
    const text = await readFile(path.join(ROOT, 'docs/CLOUDFRONT.md'), 'utf8')
    const table = text.split('\n').filter(line => /^\| `(?!Sluice-)/.test(line))
    expect(table).toEqual(rows())
  })
})
