import { expect, it } from 'vitest'
import { objectKey } from '../../src/storage/index.ts'

it('joins its parts and lets slashes stand in them', () => {
  expect(objectKey('assets', 'a1', 'v2', 'source.mp4')).toBe('assets/a1/v2/source.mp4')
  expect(objectKey('uploads/p1')).toBe('uploads/p1')
})

it.each([
  '',
  '/',
  'a/',
  '/a',
  '..',
  'a/..',
  '.a',
  'a b',
  'ä',
  'a%2fb',
  'a:b',
  'x'.repeat(201),
  'x/'.repeat(500) + 'x',
])('refuses %j', key => {
  expect(() => objectKey(key)).toThrow(expect.objectContaining({ code: 'bad-object-key' }))
})
