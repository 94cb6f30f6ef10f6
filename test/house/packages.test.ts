import { describe, expect, test } from 'vitest'
import { takesIn } from './engines.ts'
import { changelogGaps, engineMisfits, installScripts, looseVersions } from './packages.ts'
import { readTree, treeOf } from './tree.ts'

const tree = readTree()

describe('the packages', () => {
  test('are named by exact versions', () => {
    expect(looseVersions(tree)).toEqual([])
  })

  test('run no script at installation', () => {
    expect(installScripts(tree)).toEqual([])
  })

  test('all take the Node versions that we promise', () => {
    expect(engineMisfits(tree)).toEqual([])
  })

  test('go out in a version that the changelog knows', () => {
    expect(changelogGaps(tree)).toEqual([])
  })
})

describe('the rules of packages', () => {
  const lock = (packages: Record<string, unknown>) =>
    treeOf({ 'package-lock.json': JSON.stringify({ packages }) })

  test('refuse a range', () => {
    const manifest = {
      dependencies: { a: '^1.2.3', b: '1.2.3' },
      devDependencies: { c: 'latest', d: '1.0.0-rc.1' },
      overrides: { e: '1.0.0', f: { g: 'npm:h@1.0.0', i: 'npm:j@^1.0.0' } },
    }
    expect(looseVersions(treeOf({ 'package.json': JSON.stringify(manifest) }))).toEqual([
      'package.json: a ^1.2.3 is no exact version',
      'package.json: c latest is no exact version',
      'package.json: i npm:j@^1.0.0 is no exact version',
    ])
  })

  test('refuse an install script, and an allowance without one', () => {
    const packages = {
      '': { hasInstallScript: true },
      'node_modules/a': { hasInstallScript: true },
      'node_modules/x/node_modules/@b/c': { hasInstallScript: true },
      'node_modules/d': {},
    }
    expect(installScripts(lock(packages), { '@b/c': 'a reason', d: 'gone' })).toEqual([
      'package-lock.json: a has an install script',
      'd has no install script (any more): take it off the list',
    ])
  })

  test('refuse a package that wants a newer Node, and an allowance that is not needed', () => {
    const packages = {
      'node_modules/a': { engines: { node: '>=22' } },
      'node_modules/b': { engines: { node: '>= 18' } },
      'node_modules/c': {},
    }
    expect(engineMisfits(lock(packages), { b: 'a reason' })).toEqual([
      'package-lock.json: a wants node >=22, not 20.19.0',
      'b fits (by now): take it off the list',
    ])
  })

  test('refuse a version without its place in the changelog', () => {
    const files = { 'package.json': '{"version":"1.3.0"}', 'CHANGELOG.md': '## [1.2.0] - 2026-01-01\n' }
    expect(changelogGaps(treeOf(files))).toEqual(['CHANGELOG.md: nothing on 1.3.0'])
  })
})

test.each([
  ['*', '20.19.0', true],
  ['', '20.19.0', true],
  ['>=20.19', '20.19.0', true],
  ['>=20.19', '20.18.9', false],
  ['>= 14.18.0', '20.19.0', true],
  ['>20', '20.19.0', false],
  ['>20', '21.0.0', true],
  ['<=20', '20.19.0', true],
  ['<21', '20.19.0', true],
  ['<20.19.0', '20.19.0', false],
  ['^20.19.0 || ^22.13.0 || >=24', '20.19.0', true],
  ['^20.19.0 || ^22.13.0 || >=24', '22.12.0', false],
  ['^20.19.0 || ^22.13.0 || >=24', '24.0.0', true],
  ['~20.19.0', '20.20.0', false],
  ['20.x', '20.19.0', true],
  ['20 || 22', '22.13.0', true],
  ['18 - 20', '20.19.0', true],
  ['18 - 20', '21.0.0', false],
  ['>=18 <21', '20.19.0', true],
  ['>=18 <21', '22.0.0', false],
  ['^0.10.0', '0.11.0', false],
  ['=20.19.0', '20.19.0', true],
])('the range %j takes in Node %s: %s', (range, node, expected) => {
  expect(takesIn(range, node)).toBe(expected)
})
