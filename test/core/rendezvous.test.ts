import { expect, test } from 'vitest'
import { rendezvous } from '../../src/core/index.ts'

const own = (id: string): string => id
const keys = Array.from({ length: 3000 }, (_, at) => `/live/channel-${at}`)
const nodes = ['origin-a', 'origin-b', 'origin-c']

test('everybody prefers the same, in whatever order nodes are named', () => {
  for (const key of keys.slice(0, 100)) {
    const order = rendezvous(key, nodes, own)
    expect([...order].sort()).toEqual(nodes)
    expect(rendezvous(key, [...nodes].reverse(), own)).toEqual(order)
  }
})

test('the order is a promise to nodes of other versions', () => {
  expect(rendezvous('/live/stage', nodes, own)).toEqual(['origin-c', 'origin-b', 'origin-a'])
  expect(rendezvous('/live/stage', [{ id: 'origin-a' }], ({ id }) => id)).toEqual([{ id: 'origin-a' }])
  expect(rendezvous('/live/stage', [], own)).toEqual([])
})

test('shares are equal, and a node that goes changes nothing for the keys of the others', () => {
  const count = new Map(nodes.map(node => [node, 0]))
  for (const key of keys) {
    const order = rendezvous(key, nodes, own)
    const [first = ''] = order
    count.set(first, (count.get(first) ?? 0) + 1)
    for (const gone of nodes)
      expect(
        rendezvous(
          key,
          nodes.filter(node => node !== gone),
          own,
        ),
      ).toEqual(order.filter(node => node !== gone))
  }
  for (const share of count.values()) expect(Math.abs(share - keys.length / 3)).toBeLessThan(keys.length / 20)
})
