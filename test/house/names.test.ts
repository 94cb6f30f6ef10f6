import { describe, expect, test } from 'vitest'
import { defaultExports, emptyNames, leftovers, LONGEST_FILE, longFiles } from './names.ts'
import { readTree, treeOf } from './tree.ts'

const tree = readTree()

describe('the tree', () => {
  test('names every file and folder after what is in it', () => {
    expect(emptyNames(tree)).toEqual([])
  })

  test('has no source file that lacks a noun', () => {
    expect(longFiles(tree)).toEqual([])
  })

  test('exports by name only', () => {
    expect(defaultExports(tree)).toEqual([])
  })

  test('leaves nothing open and names no place on one machine', () => {
    expect(leftovers(tree)).toEqual([])
  })
})

describe('the rules of names', () => {
  test('refuse a name that says nothing, wherever it stands', () => {
    const files = {
      'src/core/utils.ts': '',
      'test/helpers/a.ts': '',
      'src/common/index.ts': '',
      'src/core/ids.ts': '',
    }
    expect(emptyNames(treeOf(files))).toEqual([
      'src/core/utils.ts: name it after what is in it',
      'test/helpers/a.ts: name it after what is in it',
      'src/common/index.ts: name it after what is in it',
    ])
  })

  test('refuse the line after the longest, and count no line break at the end', () => {
    const lines = (count: number): string => 'x\n'.repeat(count)
    expect(longFiles(treeOf({ 'src/a.ts': lines(LONGEST_FILE), 'test/a.ts': lines(999) }))).toEqual([])
    expect(longFiles(treeOf({ 'src/a.ts': lines(LONGEST_FILE + 1) }))).toEqual([
      'src/a.ts: 351 lines, more than 350; which noun is missing?',
    ])
  })

  test.each([
    'export default 1',
    'export default function name() {}',
    'export default class Name {}',
    'const x = 1\nexport { x as default }',
    `export { default } from './x.ts'`,
  ])('refuse %j', text => {
    expect(defaultExports(treeOf({ 'src/a/a.ts': text }))).toHaveLength(1)
  })

  test('let named exports pass, and imports of what others export by default', () => {
    const text = `import Fastify from 'fastify'\nexport const x = Fastify\nexport { x as y }\nexport * from './z.ts'`
    expect(defaultExports(treeOf({ 'src/a/a.ts': text }))).toEqual([])
  })

  test('refuse open ends and paths of one machine', () => {
    const mark = 'TO' + 'DO'
    const text = `// ${mark} later\nconst file = '${['', 'home', 'ann', 'x.pem'].join('/')}'\n`
    expect(leftovers(treeOf({ 'docs/a.md': text }))).toEqual([
      `docs/a.md:1: ${mark} is left open`,
      `docs/a.md:2: ${['', 'home', 'ann'].join('/')} exists on one machine only`,
    ])
  })

  test('let URLs and our own folders pass', () => {
    const text = `fetch('http://host/home/index.html'); read('origin/work/a'); const re = /^[a-z]*/`
    expect(leftovers(treeOf({ 'src/a/a.ts': text }))).toEqual([])
  })
})
