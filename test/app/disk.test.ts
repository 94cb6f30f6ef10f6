import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataFolder } from '../../src/app/data-folder.ts'
import { defaultDiskCache, planDiskCache } from '../../src/app/disk.ts'
import { SETTINGS } from '../../src/app/settings.ts'
import { freshFolder } from './folder.ts'

const GiB = 1024 ** 3

test.each([
  ['auto', { kind: 'ok', value: 'auto' }],
  ['50GiB', { kind: 'ok', value: 50 * GiB }],
  ['0', { kind: 'ok', value: 0 }],
  ['', { kind: 'bad', why: 'write a size such as 50GiB, 0, or auto' }],
  ['-1', { kind: 'bad', why: 'write a size such as 50GiB, 0, or auto' }],
  ['much', { kind: 'bad', why: 'write a size such as 50GiB, 0, or auto' }],
])('--disk-cache %j', (text, reading) => {
  expect(SETTINGS.diskCacheBytes.read(text)).toEqual(reading)
})

test('what nobody sets is 10 GiB, or a fifth of what is free', () => {
  expect(defaultDiskCache(1000 * GiB)).toBe(10 * GiB)
  expect(defaultDiskCache(20 * GiB)).toBe(4 * GiB)
  expect(defaultDiskCache(0)).toBe(0)
})

test('an edge is told of a folder of its own, or of none', () => {
  const { edgeCache, root } = openDataFolder(freshFolder())
  expect(edgeCache).toBe(join(root, 'edge', 'cache'))
  expect(existsSync(edgeCache)).toBe(true)
  expect(planDiskCache(7, edgeCache)).toEqual({ folder: edgeCache, maxBytes: 7 })
  expect(planDiskCache(0, edgeCache)).toBeUndefined()
  const chosen = planDiskCache('auto', edgeCache)
  expect(chosen?.maxBytes ?? 0).toBeLessThanOrEqual(10 * GiB)
})
