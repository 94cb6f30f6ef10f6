import { expect, test } from 'vitest'
import type { KeyGroupId } from '../../src/core/index.ts'
import { publishingGroups } from '../../src/distribution/index.ts'

const group = (id: string, name: string): { id: KeyGroupId; name: string } => ({ id: id as KeyGroupId, name }) // a test's own
const groups = [group('kg-1', 'staff'), group('kg-2', 'default'), group('kg-3', 'guests')]
const channel = (...ids: string[]): { ingest: { keyGroups: KeyGroupId[] } } => ({
  ingest: { keyGroups: ids as KeyGroupId[] }, // as above
})

test.each([
  ['a channel: those that it names', channel('kg-3', 'kg-1'), ['staff', 'guests']],
  ['a channel with a group that is gone: the rest', channel('kg-1', 'kg-9'), ['staff']],
  ['a channel that names none: none', channel(), []],
  ['no channel: the group of the name default', undefined, ['default']],
])('for %s', (_, to, names) => {
  expect(publishingGroups(to, groups).map(({ name }) => name)).toEqual(names)
})
