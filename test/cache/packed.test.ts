import { expect, test } from 'vitest'
import { PackedObjects, type Glance, type Rendered } from '../../src/cache/packed/index.ts'
import { instant } from '../../src/core/index.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { NOON, objectOf } from '../contracts/cache-tier.ts'

const RENDERED: Rendered = {
  lines: 'Content-Type: video/mp4\r\nX-Latin: \u00e9\u00ff\r\n',
  open: 'Cache-Control: max-age=60\r\n',
  gated: 'Cache-Control: private\r\n',
  marks: 0xffff,
}
const keyOf = (name: string) => name as CacheKey

/** As a plain answer would read it. */
function told({ bytes, ...glance }: Glance) {
  const text = (from: number, to: number) => bytes.toString('latin1', from, to)
  const { marks, status, bornAt, freshUntil, sequence, askedAt, linesAt, openAt, gatedAt, bodyAt } = glance
  return {
    ...{ marks, status, bornAt, freshUntil, sequence, askedAt },
    lines: text(linesAt, openAt),
    open: text(openAt, gatedAt),
    gated: text(gatedAt, bodyAt),
    body: text(bodyAt, bodyAt + glance.bodyLength),
  }
}

test('a glance has all that a plain answer needs', () => {
  const packed = new PackedObjects()
  const askedAt = instant(NOON - 1.5)
  packed.add(objectOf('D /a', 'the body', { path: '/b', sequence: 2 ** 40, askedAt }), RENDERED)
  packed.add(objectOf('D /b', ''), { lines: '', open: '', gated: '', marks: 0 })
  const numbers = { status: 200, bornAt: NOON, freshUntil: NOON + 3_600_000 }
  const first = packed.glance(keyOf('D /a'))
  expect(first && told(first)).toEqual({
    ...{ ...RENDERED, ...numbers, body: 'the body', sequence: 2 ** 40, askedAt },
  })
  const second = packed.glance(keyOf('D /b'))
  expect(second && told(second)).toEqual({
    ...{ ...numbers, lines: '', open: '', gated: '', marks: 0, body: '', sequence: 3, askedAt: 0 },
  })
})

test.each([
  ['no key', 'D /b'],
  ['a shorter key', 'D /'],
  ['a longer key', 'D /aa'],
  ['a key that is the same in its last bytes only', `D \u012f\u0161`],
])('%s finds nothing', (_, other) => {
  const packed = new PackedObjects()
  packed.add(objectOf('D /a', 'x'), RENDERED)
  expect([packed.glance(keyOf(other)), packed.take(keyOf(other)), packed.wasUsed(keyOf(other))]).toEqual([
    undefined,
    undefined,
    false,
  ])
  packed.delete(keyOf(other))
  expect(packed.glance(keyOf('D /a'))?.bodyLength).toBe(1)
})

test.each([
  ['a key beyond latin1', objectOf('D /\u4e00', 'x')],
  ['a field beyond latin1', objectOf('D /a', 'x', { headers: ['X', '\u4e00'] })],
  ['a number without end', objectOf('D /a', 'x', { staleUntil: instant(Infinity) })],
  ['a long body', objectOf('D /a', Buffer.alloc(16 * 1024))],
  ['many fields', objectOf('D /a', 'x', { headers: ['X', 'x'.repeat(16 * 1024)] })],
])('%s is not packed', (_, object) => {
  const packed = new PackedObjects()
  expect(packed.add(object, RENDERED)).toBeUndefined()
  expect(packed.glance(object.key)).toBeUndefined()
})

test('what is used is marked as such until somebody asks', () => {
  const packed = new PackedObjects()
  packed.add(objectOf('a', 'x'), RENDERED)
  const used = () => packed.wasUsed(keyOf('a'))
  expect([used(), packed.glance(keyOf('a'))?.marks, used(), used()]).toEqual([false, 0xffff, true, false])
})

test('whatever comes and goes, in whatever order, what is there is what was set, and the rest is had again', () => {
  const packed = new PackedObjects()
  const model = new Map<string, string>()
  let seed = 1
  const random = (below: number) => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % below
  let added = 0
  for (let turn = 0; turn < 30_000; turn++) {
    const name = `D /${random(6_000)}`
    const before = model.get(name)
    if (before === undefined) {
      const body = `${turn} `.repeat(1 + random(400))
      const size = packed.add(objectOf(name, body, { sequence: turn }), RENDERED)
      if (size !== undefined) model.set(name, body)
      added += size ?? 0
    } else if (turn % 2 === 0) {
      expect(packed.take(keyOf(name))?.body.toString()).toBe(before)
      model.delete(name)
    } else {
      packed.delete(keyOf(name))
      model.delete(name)
    }
  }
  let live = 0
  for (const [name, body] of model) {
    live += body.length
    const glance = packed.glance(keyOf(name))
    expect(glance && told(glance).body).toBe(body)
  }
  expect(model.size).toBeGreaterThan(2_000)
  expect(packed.bytes).toBeLessThan(1.7 * live + 6 * 1024 * 1024)
  for (const name of model.keys()) packed.delete(keyOf(name))
  expect(packed.bytes).toBeLessThan(6 * 1024 * 1024)
  expect(added).toBeGreaterThan(20 * 1024 * 1024)
}, 20_000)

test('memory of which little is used is given back, whatever of it is left', () => {
  const packed = new PackedObjects()
  const count = 8_000
  const nameAt = (n: number) => `D /${n}`
  for (let n = 0; n < count; n++) packed.add(objectOf(nameAt(n), Buffer.alloc(15_000, n)), RENDERED)
  expect(packed.reserved).toBe(128 * 1024 * 1024)
  const isLeft = (n: number) => n % 16 === 0
  for (let n = 0; n < count; n++) if (!isLeft(n)) packed.delete(keyOf(nameAt(n)))
  const held = packed.reserved
  for (let n = 0; n < count; n += 16) {
    const glance = packed.glance(keyOf(nameAt(n)))
    expect(glance?.bytes[glance.bodyAt + 14_999]).toBe(n % 256)
  }
  for (let n = 0; n < count; n += 16) packed.delete(keyOf(nameAt(n)))
  expect([held <= 64 * 1024 * 1024, packed.reserved]).toEqual([true, 32 * 1024 * 1024])
})
