import { describe, expect, test } from 'vitest'
import {
  codeOf,
  EXIT_OF_KIND,
  messageOf,
  newAssetId,
  newDistributionId,
  newInvalidationId,
  newKeyGroupId,
  newKeyId,
  newNodeId,
  newPublicationId,
  reader,
  SluiceError,
  Type,
} from '../../src/core/index.ts'

test('exit codes are those that are promised', () => {
  expect(EXIT_OF_KIND).toEqual({
    failed: 1,
    usage: 2,
    'not-found': 3,
    conflict: 4,
    unauthorised: 5,
    unavailable: 1,
  })
})

test('an error keeps its code, side, kind and cause', () => {
  const cause = new Error('inner')
  const {
    code,
    side,
    kind,
    message,
    name,
    cause: kept,
  } = new SluiceError('no-disk', 'The disk is full.', { kind: 'unavailable', cause })
  expect({ code, side, kind, message, name, kept }).toEqual({
    code: 'no-disk',
    side: 'us',
    kind: 'unavailable',
    message: 'The disk is full.',
    name: 'SluiceError',
    kept: cause,
  })
})

test('anything that is thrown has a sentence, and perhaps a code', () => {
  expect([messageOf(new Error('x')), messageOf('y'), messageOf(undefined)]).toEqual(['x', 'y', 'undefined'])
  expect([codeOf(new SluiceError('a', 'b')), codeOf({ code: 5 }), codeOf(null), codeOf('x')]).toEqual([
    'a',
    undefined,
    undefined,
    undefined,
  ])
})

describe('ids', () => {
  test.each<[() => string, RegExp]>([
    [newDistributionId, /^E[A-Z0-9]{13}$/],
    [newKeyId, /^K[A-Z0-9]{13}$/],
    [newInvalidationId, /^I[A-Z0-9]{13}$/],
    [newKeyGroupId, /^kg-[a-z0-9]{12}$/],
    [() => newNodeId('edge'), /^edge-[a-z0-9]{8}$/],
    [newAssetId, /^a[a-z0-9]{19}$/],
    [newPublicationId, /^p[a-z0-9]{19}$/],
  ])('%o look like their kind and differ', (make, pattern) => {
    const made = Array.from({ length: 200 }, make)
    for (const id of made) expect(id).toMatch(pattern)
    expect(new Set(made).size).toBe(200)
  })

  test('every character of the alphabet comes up about as often', () => {
    const counts = new Map<string, number>()
    for (let at = 0; at < 2000; at++)
      for (const char of newAssetId().slice(1)) counts.set(char, (counts.get(char) ?? 0) + 1)
    const expected = (2000 * 19) / 36
    expect(counts.size).toBe(36)
    for (const [char, count] of counts) expect(Math.abs(count - expected) / expected, char).toBeLessThan(0.25)
  })
})

test('a reader gives the value or says where it is wrong', () => {
  const read = reader(Type.Object({ listen: Type.Object({ port: Type.Integer() }) }), 'sluice.yaml')
  expect(read({ listen: { port: 5 } })).toEqual({ listen: { port: 5 } })
  expect(() => read({ listen: { port: 'x' } })).toThrow(/^sluice\.yaml is not valid at \/listen\/port: /)
  expect(() => read(null)).toThrow(/^sluice\.yaml is not valid: /)
})
