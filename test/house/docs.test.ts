import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { SETTINGS, type Setting } from '../../src/app/settings.ts'
import { anchorOf, brokenLinks } from './links.ts'
import { settingGaps } from './settings.ts'
import { readTree, ROOT, textOf, treeOf } from './tree.ts'

const tree = readTree()

describe('the pages', () => {
  test('link only to what is there', () => {
    expect(brokenLinks(tree, file => existsSync(path.join(ROOT, file)))).toEqual([])
  })

  test('tell every setting, with its flag, its variable and its default', () => {
    expect(settingGaps(Object.values(SETTINGS), textOf(tree, 'docs/CONFIGURATION.md'))).toEqual([])
  })

  test('name in the example the versions that are tested here', () => {
    const read = (file: string): Record<string, Record<string, string>> =>
      JSON.parse(textOf(tree, file)) as Record<string, Record<string, string>> // the shape that npm gives it
    const ours = read('package.json')
    const tested = { ...ours.dependencies, ...ours.devDependencies }
    expect(read('examples/members-site/package.json').dependencies).toEqual(
      Object.fromEntries(
        ['@aws-sdk/cloudfront-signer', 'express', 'hls.js'].map(name => [name, tested[name]]),
      ),
    )
  })
})

describe('the rules of pages', () => {
  test('refuse a link to nothing, and a heading that is not there', () => {
    const files = {
      'README.md':
        '# A\n\n[one](docs/a.md) [two](docs/b.md)\n[three](docs/a.md#the-part) [four](#b) [five](docs/a.md#no)',
      'docs/a.md': '# X\n\n## The `part`\n\n[up](../README.md) [out](https://x.example/y) [picture](a.png)\n',
    }
    expect(brokenLinks(treeOf(files), file => file === 'docs/a.png')).toEqual([
      'README.md:3: docs/b.md leads nowhere',
      'README.md:4: README.md has no heading #b',
      'README.md:4: docs/a.md has no heading #no',
    ])
  })

  test('pass over links inside code', () => {
    expect(brokenLinks(treeOf({ 'a.md': '`[x](y)`\n```sh\n[x](y)\n```\n' }), () => false)).toEqual([])
  })

  test.each([
    ['Keys of your own', 'keys-of-your-own'],
    ["A viewer's GET at an edge", 'a-viewers-get-at-an-edge'],
    ['`up`, and *more*', 'up-and-more'],
  ])('make of the heading %j the anchor %j', (heading, anchor) => {
    expect(anchorOf(heading)).toBe(anchor)
  })

  test('refuse a setting that the page lacks, tells otherwise, or invents', () => {
    const setting = (key: string): Setting<unknown> => ({
      ...SETTINGS.http,
      ...{ key, flag: `--${key}`, env: `SLUICE_${key.toUpperCase()}`, default: '1', description: 'a thing' },
    })
    const page =
      '| `one` | `--one` | `SLUICE_ONE` | `1` | a thing |\n| `two` | `--two` | `SLUICE_TWO` | `2` | a thing |\n'
    expect(settingGaps([setting('one'), setting('two')], page)).toEqual([
      'docs/CONFIGURATION.md lacks: | `two` | `--two` | `SLUICE_TWO` | `1` | a thing |',
      'docs/CONFIGURATION.md has no setting for: | `two` | `--two` | `SLUICE_TWO` | `2` | a thing |',
    ])
  })
})
