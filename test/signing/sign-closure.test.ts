import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf } from '../house/imports.ts'
import { readTree, textOf, treeOf, type Tree } from '../house/tree.ts'

/** What runs when a file is imported: the file itself and all that it imports but types, each once. */
function closureOf(tree: Tree, start: string): { files: string[]; foreign: string[] } {
  const files = [start]
  const foreign: string[] = []
  for (const file of files) {
    for (const { specifier, kind, line } of importsOf(file, textOf(tree, file))) {
      if (kind === 'type') continue
      const target = path.posix.join(path.posix.dirname(file), specifier)
      const inRoom = specifier.startsWith('./') && kind !== 'dynamic' && kind !== 'resolve'
      if (!inRoom) foreign.push(`${file}:${line}: ${specifier}`)
      else if (!files.includes(target)) files.push(target)
    }
  }
  return { files, foreign }
}

/** Names that only Node has. */
const NODE_ONLY = /\b(?:Buffer|process|require|__dirname|setImmediate)\b/

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

describe('sluice/sign', () => {
  const tree = readTree()
  const manifest = JSON.parse(textOf(tree, 'package.json')) as Record<string, unknown> // compared whole
  const { files, foreign } = closureOf(tree, 'src/signing/sign.ts')

  test('brings along nothing but its own few files: no package, no module of Node, no other room', () => {
    expect(foreign).toEqual([])
    expect(files.length).toBeGreaterThan(8)
    expect(files.every(file => file.startsWith('src/signing/'))).toBe(true)
  })

  test('names nothing that only Node has', () => {
    expect(files.filter(file => NODE_ONLY.test(withoutComments(textOf(tree, file))))).toEqual([])
  })

  test('is what package.json exports, and nothing else but package.json is', () => {
    const { exports } = manifest
    expect(exports).toEqual({
      './sign': { types: './dist/signing/sign.d.ts', default: './dist/signing/sign.js' },
      './package.json': './package.json',
    })
  })

  test('has its name from a package that nobody can publish by mistake, since the public name is not ours', () => {
    const { name, private: unpublished } = manifest
    expect({ name, unpublished }).toEqual({ name: 'sluice', unpublished: true })
  })
})

describe('the rule of the closure', () => {
  test('follows values and passes over types', () => {
    const tree = treeOf({
      'src/signing/a.ts': `import type { X } from '../core/index.ts'\nimport { b } from './b.ts'\nexport { c } from './c.ts'`,
      'src/signing/b.ts': `import { type Y } from 'y'\nimport { sign } from 'node:crypto'`,
      'src/signing/c.ts': `import { instant } from '../core/index.ts'\nconst d = await import('./d.ts')`,
    })
    expect(closureOf(tree, 'src/signing/a.ts')).toEqual({
      files: ['src/signing/a.ts', 'src/signing/b.ts', 'src/signing/c.ts'],
      foreign: [
        'src/signing/b.ts:2: node:crypto',
        'src/signing/c.ts:1: ../core/index.ts',
        'src/signing/c.ts:2: ./d.ts',
      ],
    })
  })

  test('sees names in code and not in comments', () => {
    expect(NODE_ONLY.test(withoutComments('const a = Buffer.from(b)'))).toBe(true)
    expect(NODE_ONLY.test(withoutComments('/** No Buffer. */\nconst a = 1 // no process'))).toBe(false)
  })
})
