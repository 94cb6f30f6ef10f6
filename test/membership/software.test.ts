import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { placesOf, softwareVersion, tooFarApart } from '../../src/membership/index.ts'
import type { PeerNode } from '../../src/distribution/index.ts'
import { ROOT } from '../house/tree.ts'

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as { version: string } // our own
  expect(softwareVersion()).toBe(version)
})

test.each([
  ['0.5.0', '0.5.9'],
  ['0.5.3', '0.6.0'],
  ['0.6.0', '0.5.3'],
  ['0.6.0-rc.1', '0.5.3'],
  // Who says none is of 0.4 or older.
  [undefined, '0.4.0'],
  [undefined, '0.5.0'],
])('a node of %s and a control of %s work together', (node, control) => {
  expect(tooFarApart(node, control)).toBeUndefined()
})

test.each([
  ['0.5.0', '0.7.0', 'upgrade the node'],
  ['0.7.0', '0.5.0', 'upgrade control first'],
  ['0.9.0', '1.0.0', 'upgrade the node'],
  ['1.0.0', '0.9.0', 'upgrade control first'],
  [undefined, '0.6.0', 'upgrade the node'],
  ['', '0.5.0', 'upgrade the node'],
  ['a\nb', '0.5.0', 'upgrade the node'],
])(
  'a node of %j and a control of %s do not, and the sentence says which to upgrade',
  (node, control, mend) => {
    const sentence = tooFarApart(node, control)
    expect(sentence).toContain(`control is ${control}`)
    expect(sentence).toMatch(new RegExp(`: ${mend}$`))
    expect(sentence).not.toContain('\n')
  },
)

test('nodes that drain are asked only where all do', () => {
  const node = (id: string, more: object = {}): PeerNode =>
    ({ id, role: 'origin', publicKey: {}, url: `https://${id}`, ...more }) as PeerNode // nothing more is read
  const idsOf = (nodes: PeerNode[]): unknown[] => placesOf({ nodes }, 'origin').map(({ id }) => id)
  const elsewhere = node('d', { role: 'edge' })
  expect(idsOf([node('b'), node('a', { draining: true }), node('c', { url: null }), elsewhere])).toEqual([
    'b',
  ])
  expect(idsOf([node('b', { draining: true }), node('a', { draining: true })])).toEqual(['a', 'b'])
  expect(idsOf([node('b', { draining: true }), node('c', { url: null })])).toEqual(['b'])
})
