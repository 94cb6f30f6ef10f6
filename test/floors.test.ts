import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { doorViolations, type Door } from './house/doors.ts'
import { FLOORS, floorViolations } from './house/floors.ts'
import { importsOf } from './house/imports.ts'
import { readTree, treeOf } from './house/tree.ts'

const tree = readTree()

describe('the house', () => {
  test('every import goes down a floor and through the door of a room', () => {
    expect(floorViolations(tree)).toEqual([])
  })

  test('every third-party package has one door, in its place', () => {
    expect(doorViolations(tree)).toEqual([])
  })

  test('every room that is there has a door', () => {
    const rooms = FLOORS.flat().filter(room => [...tree.keys()].some(file => file.startsWith(`src/${room}/`)))
    expect(rooms.filter(room => !tree.has(`src/${room}/index.ts`))).toEqual([])
  })
})

/** All that a file loads at once, before it does anything: modules, and packages by name. */
function loadedBy(start: string): Set<string> {
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const { specifier, kind } of importsOf(file, tree.get(file) ?? '')) {
      if (kind !== 'import' && kind !== 'export') continue
      if (specifier.startsWith('.')) visit(path.posix.join(path.posix.dirname(file), specifier))
      else loaded.add(specifier)
    }
  }
  visit(start)
  return loaded
}

test('a command loads no role and no server, since each would have to wait for them', () => {
  const loaded = [...loadedBy('src/cli/main.ts')]
  const rooms = new Set(loaded.flatMap(file => /^src\/(\w+)\//.exec(file)?.[1] ?? []))
  expect([...rooms]).toContain('client')
  expect([...rooms].filter(room => ['control', 'origin', 'delivery', 'gateway'].includes(room))).toEqual([])
  expect(loaded).not.toContain('fastify')
})

describe('the rule of the floors', () => {
  const house = {
    'src/core/index.ts': '',
    'src/core/ids.ts': '',
    'src/hls/index.ts': '',
    'src/cmaf/index.ts': '',
    'src/client/index.ts': '',
    'src/distribution/index.ts': '',
    'src/cache/index.ts': '',
    'src/membership/index.ts': '',
    'src/delivery/index.ts': '',
    'src/app/index.ts': '',
    'src/console/index.ts': '',
  }
  const one = (file: string, text: string): string[] => floorViolations(treeOf({ ...house, [file]: text }))

  test.each([
    ['src/hls/a.ts', `import { x } from '../core/index.ts'`],
    [
      'src/delivery/a.ts',
      `import type { X } from '../cache/index.ts'\nexport * from '../membership/index.ts'`,
    ],
    ['src/core/a.ts', `import { x } from './ids.ts'`],
    ['src/control/database/a.ts', `import { x } from '../../core/index.ts'`],
    [
      'src/console/a.ts',
      `import { C } from '../client/index.ts'\nimport type { D } from '../distribution/index.ts'`,
    ],
    ['src/signing/a.ts', `import { verify } from 'node:crypto'`],
    ['src/cache/a.ts', `// import { x } from '../app/index.ts'\nconst s = "import('../app/index.ts')"`],
  ])('lets %s import %j', (file, text) => {
    expect(one(file, text)).toEqual([])
  })

  test.each([
    ['up', 'src/core/a.ts', `import { x } from '../hls/index.ts'`, 'core imports hls, which is above it'],
    [
      'up, for a type',
      'src/hls/a.ts',
      `import type { X } from '../cache/index.ts'`,
      'hls imports cache, which is above it',
    ],
    [
      'up, inside a type',
      'src/hls/a.ts',
      `type X = import('../cache/index.ts').X`,
      'hls imports cache, which is above it',
    ],
    [
      'up, by an export',
      'src/hls/a.ts',
      `export * from '../cache/index.ts'`,
      'hls imports cache, which is above it',
    ],
    [
      'up, late',
      'src/hls/a.ts',
      `const x = await import('../cache/index.ts')`,
      'hls imports cache, which is above it',
    ],
    ['sideways', 'src/hls/a.ts', `import { x } from '../cmaf/index.ts'`, 'hls imports cmaf sideways'],
    [
      'sideways',
      'src/cache/a.ts',
      `import { x } from '../membership/index.ts'`,
      'cache imports membership sideways',
    ],
    [
      'past a door',
      'src/hls/a.ts',
      `import { x } from '../core/ids.ts'`,
      'src/core/ids.ts is private: import core through its index.ts',
    ],
    ['out of src', 'src/hls/a.ts', `import x from '../../package.json'`, '../../package.json leaves src'],
    ['a file of no room', 'src/hls/a.ts', `import x from '../prepare.mjs'`, '../prepare.mjs is in no room'],
    [
      'without the ending',
      'src/hls/a.ts',
      `import { x } from './b'`,
      './b does not exist (imports end in .ts)',
    ],
    ['the console', 'src/app/a.ts', `import { x } from '../console/index.ts'`, 'nothing imports console'],
    [
      'more than types, in the console',
      'src/console/a.ts',
      `import { D } from '../distribution/index.ts'`,
      'console imports distribution, of which it may see only types',
    ],
    [
      'an engine, in the console',
      'src/console/a.ts',
      `import type { C } from '../cache/index.ts'`,
      'console imports cache',
    ],
    [
      'files, in a pure room',
      'src/hls/a.ts',
      `import { readFile } from 'node:fs/promises'`,
      'hls is pure and imports node:fs/promises',
    ],
  ])('refuses an import %s', (_, file, text, sentence) => {
    expect(one(file, text)).toEqual([`${file}:1: ${sentence}`])
  })

  test('refuses a file outside all rooms, and a room that nobody planned', () => {
    expect(floorViolations(treeOf({ 'src/a.ts': '', 'src/attic/a.ts': '' }))).toEqual([
      'src/a.ts: stands in no room',
      'src/attic/a.ts: attic is no room of the house',
    ])
  })
})

describe('the rule of the doors', () => {
  const doors: Record<string, Door> = {
    jose: { kind: 'file', at: 'src/signing/jwt.ts' },
    'drizzle-orm': { kind: 'folder', under: 'src/control/database/' },
    fastify: { kind: 'one-per-room', rooms: ['delivery', 'control'] },
    shapes: { kind: 'types', at: 'src/control/shapes.ts' },
  }
  const check = (files: Record<string, string>, dependencies: string[]): string[] => {
    const manifest = {
      dependencies: Object.fromEntries(dependencies.map(name => [name, '1.0.0'])),
      devDependencies: { shapes: '1.0.0' },
    }
    return doorViolations(treeOf({ ...files, 'package.json': JSON.stringify(manifest) }), doors)
  }

  test('lets each kind of door stand where it belongs', () => {
    const files = {
      'src/signing/jwt.ts': `import { jwtVerify } from 'jose'`,
      'src/control/database/a.ts': `import { sql } from 'drizzle-orm'`,
      'src/control/database/b.ts': `import { pgTable } from 'drizzle-orm/pg-core'`,
      'src/control/server.ts': `import Fastify from 'fastify'`,
      'src/delivery/viewers/server.ts': `import type { FastifyInstance } from 'fastify'`,
      'src/hls/parser.ts': `import HLS from 'hls-parser'\nimport { sep } from 'node:path'`,
      'src/delivery/player.ts': `const page = import.meta.resolve('hls.js/dist/hls.min.js')`,
    }
    expect(check(files, ['jose', 'drizzle-orm', 'fastify', 'hls-parser', 'hls.js'])).toEqual([])
  })

  test('refuses a second door, also for types only', () => {
    const files = { 'src/a/a.ts': `import x from '@b/c/d'`, 'src/a/b.ts': `import type { X } from '@b/c'` }
    expect(check(files, ['@b/c'])).toEqual(['@b/c has several doors: src/a/a.ts, src/a/b.ts'])
  })

  test('refuses a door in the wrong place', () => {
    const files = {
      'src/app/a.ts': `import { SignJWT } from 'jose'`,
      'src/control/api.ts': `import { eq } from 'drizzle-orm'`,
      'src/app/b.ts': `import Fastify from 'fastify'`,
    }
    expect(check(files, ['jose', 'drizzle-orm', 'fastify'])).toEqual([
      'src/app/a.ts: the door to jose is src/signing/jwt.ts',
      'src/control/api.ts: drizzle-orm belongs under src/control/database/',
      'src/app/b.ts: fastify belongs to delivery, control',
    ])
  })

  test('lets what is there for building be named for its types, in its place', () => {
    const one = (text: string, file = 'src/control/shapes.ts'): string[] => check({ [file]: text }, [])
    expect(one(`export type { A } from 'shapes'`)).toEqual([])
    expect(one(`import { a } from 'shapes'`)).toEqual([
      'src/control/shapes.ts: shapes is there for its types alone',
    ])
    expect(one(`import type { A } from 'shapes'`, 'src/control/a.ts')).toEqual([
      'src/control/a.ts: the door to shapes is src/control/shapes.ts',
    ])
  })

  test('refuses a second server file in one role', () => {
    const files = {
      'src/control/a.ts': `import F from 'fastify'`,
      'src/control/b.ts': `import F from 'fastify'`,
    }
    expect(check(files, ['fastify'])).toEqual(['src/control/b.ts: a second door to fastify in this room'])
  })

  test('refuses what package.json does not name, what nothing uses, and Node modules by their short name', () => {
    expect(check({ 'src/a/a.ts': `import x from 'left-pad'\nimport fs from 'fs'` }, ['idle'])).toEqual([
      'src/a/a.ts: left-pad is not among the dependencies of package.json',
      'src/a/a.ts: write node:fs',
      'package.json: nothing in src uses idle',
    ])
  })
})

test('an import is found in every spelling of the language', () => {
  const text = [
    `import 'a'`,
    `import b from 'b'`,
    `import type { C } from 'c'`,
    `import { type D } from 'd'`,
    `import { e, type E } from 'e'`,
    `export { f } from 'f'`,
    `export type { G } from 'g'`,
    `const h = await import('h')`,
    `type I = typeof import('i')`,
    `const j = require('j')`,
    `const k = import.meta.resolve('k')`,
    `import l = require('l')`,
    `const m = createRequire(import.meta.url).resolve('m')`,
    `const n = new URL('n', import.meta.url), o = path.resolve('o')`,
  ].join('\n')
  expect(importsOf('x.ts', text).map(({ specifier, kind, line }) => `${line} ${specifier} ${kind}`)).toEqual([
    '1 a import',
    '2 b import',
    '3 c type',
    '4 d type',
    '5 e import',
    '6 f export',
    '7 g type',
    '8 h dynamic',
    '9 i type',
    '10 j dynamic',
    '11 k resolve',
    '12 l import',
    '13 m resolve',
  ])
})
