import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NodeId } from '../../src/core/index.ts'
import {
  distanceBetween,
  locationOfCountry,
  networkOf,
  rank,
  textOfAddress,
  type Client,
  type Edge,
} from '../../src/routing/index.ts'
import { parseAddress } from '../../src/signing/index.ts'
import { distribution, E1, edge, OREGON, PARIS, SYDNEY } from './places.ts'

const paris = edge('paris', 1, { location: PARIS })
const sydney = edge('sydney', 2, { location: SYDNEY, priceClass: 'all' })
const oregon = edge('oregon', 3, { location: OREGON, priceClass: '200' })
const ALL = [sydney, paris, oregon]

const inCountry = (country: string): Client => ({ location: locationOfCountry(country) })
const order = (edges: readonly Edge[], client: Client, of = E1): string[] =>
  rank(edges, client, of).map(({ edge: { id }, by }) => `${id.slice(5)} by ${by}`)

describe('a client is sent', () => {
  test.each([
    ['DE', ['paris by distance', 'oregon by distance', 'sydney by distance']],
    ['NZ', ['sydney by distance', 'oregon by distance', 'paris by distance']],
    ['CA', ['oregon by distance', 'paris by distance', 'sydney by distance']],
  ])('from %s to what is nearest', (country, expected) => {
    expect(order(ALL, inCountry(country))).toEqual(expected)
  })

  test('to what has been measured to be near, whatever the map says', () => {
    const latencies = new Map([
      [paris.id, 190],
      [sydney.id, 20],
    ])
    expect(order(ALL, { ...inCountry('DE'), latencies })).toEqual([
      'sydney by latency',
      'oregon by distance',
      'paris by latency',
    ])
  })

  test('by the distribution where nothing is known, always in the same order and not to one edge alone', () => {
    const firsts = new Set<string>()
    for (let n = 0; n < 50; n++) {
      const of = distribution(`E${n}X`)
      expect(order(ALL, {}, of)).toEqual(order([...ALL].reverse(), {}, of))
      firsts.add(order(ALL, {}, of)[0] ?? '')
    }
    expect([...firsts].sort()).toEqual(['oregon by unknown', 'paris by unknown', 'sydney by unknown'])
  })

  test('among edges of one place by the distribution, before any that is farther', () => {
    const other = edge('paris2', 4, { location: { latitude: 48.7, longitude: 2.2 } })
    const firsts = new Set<string>()
    for (let n = 0; n < 50; n++) {
      const ranked = order([...ALL, other], inCountry('DE'), distribution(`E${n}X`))
      expect(ranked.slice(2)).toEqual(['oregon by distance', 'sydney by distance'])
      firsts.add(ranked[0] ?? '')
    }
    expect(firsts.size).toBe(2)
  })

  test('to no edge that drains or is dead, as long as another one is there', () => {
    const draining: Edge = { ...paris, state: 'draining' }
    const dead: Edge = { ...oregon, state: 'dead' }
    expect(order([draining, dead, sydney], inCountry('DE'))).toEqual(['sydney by distance'])
    expect(order([draining, dead], inCountry('DE'))).toEqual(['paris by distance'])
    expect(order([dead], inCountry('DE'))).toEqual(['oregon by distance'])
    expect(order([], inCountry('DE'))).toEqual([])
  })

  test('to no edge that drains or is dead for being the only one that is able', () => {
    const able = ({ id }: Edge): boolean => id === oregon.id
    for (const state of ['draining', 'dead'] as const)
      expect(rank([paris, { ...oregon, state }], inCountry('DE'), E1, able)).toEqual([])
  })

  test.each([
    ['100' as const, ['paris']],
    ['200' as const, ['oregon', 'paris']],
    ['all' as const, ['sydney', 'oregon', 'paris']],
    [undefined, ['sydney', 'oregon', 'paris']],
  ])('by price class %s only to places that are as cheap', (priceClass, expected) => {
    const of = { id: E1.id, ...(priceClass && { priceClass }) }
    expect(rank(ALL, inCountry('NZ'), of).map(({ edge: { id } }) => id.slice(5))).toEqual(expected)
  })

  test('beyond its price class where none of it is there', () => {
    const of = distribution('E1', { priceClass: '100' })
    expect(order([{ ...paris, state: 'dead' }, sydney], inCountry('DE'), of)).toEqual(['sydney by distance'])
  })
})

test('an order has each edge that may be had once, and its times go up from place to place', () => {
  const edges = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 200 }),
      location: fc.option(
        fc.record({
          latitude: fc.double({ min: -90, max: 90, noNaN: true }),
          longitude: fc.double({ min: -180, max: 180, noNaN: true }),
        }),
        { nil: undefined },
      ),
      latency: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    }),
    { selector: ({ id }) => id, maxLength: 12 },
  )
  fc.assert(
    fc.property(edges, fc.boolean(), (given, isKnown) => {
      const all = given.map(({ id, location }) => edge(`n${id}`, id, location && { location }))
      const latencies = new Map(
        given.flatMap(({ id, latency }) =>
          latency === undefined ? [] : [[`edge-n${id}` as NodeId, latency]],
        ),
      )
      const ranked = rank(all, { latencies, location: isKnown ? PARIS : undefined }, E1)
      expect(ranked.map(({ edge: { id } }) => id).sort()).toEqual(all.map(({ id }) => id).sort())
      let least = -Infinity
      for (const { milliseconds } of ranked) {
        expect(milliseconds).toBeGreaterThanOrEqual(least - 5)
        least = Math.max(least, milliseconds)
      }
    }),
  )
})

test('distances are those of the globe', () => {
  const rounded = (one: typeof PARIS, other: typeof PARIS): number =>
    Math.round(distanceBetween(one, other) / 100) * 100
  expect([rounded(PARIS, SYDNEY), rounded(OREGON, PARIS), rounded(PARIS, PARIS)]).toEqual([17_000, 8_200, 0])
  const opposite = { latitude: -PARIS.latitude, longitude: PARIS.longitude - 180 }
  expect(rounded(PARIS, opposite)).toBe(20_000)
})

test('each country is somewhere on the globe', () => {
  const codes = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].flatMap(one =>
    [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map(other => one + other),
  )
  const named = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  // What ISO 3166-1 has taken back, and what is not a country's, has a name all the same.
  const none =
    /^(?:AC|AN|BU|CP|CQ|CS|CT|DD|DG|DY|EA|EU|EZ|FQ|FX|HV|IC|JT|MI|NH|NQ|NT|PC|PU|PZ|QO|RH|SU|TA|TP|UK|UN|VD|WK|XA|XB|YD|YU|ZR|ZZ)$/
  const wanted = codes.filter(code => named.of(code) !== undefined && !none.test(code))
  const found = codes.flatMap(code => locationOfCountry(code) ?? [])
  expect(codes.filter(code => locationOfCountry(code) !== undefined)).toEqual(wanted)
  for (const { latitude, longitude } of found) {
    expect(Math.abs(latitude)).toBeLessThanOrEqual(90)
    expect(Math.abs(longitude)).toBeLessThanOrEqual(180)
  }
})

test('networks have one name each', () => {
  expect(
    ['192.0.2.7', '::ffff:192.0.2.200', '2001:db8:1:2::3', '2001:0db8:0001::', '::1', 'nowhere'].map(
      networkOf,
    ),
  ).toEqual(['192.0.2.0/24', '192.0.2.0/24', '2001:db8:1::/48', '2001:db8:1::/48', '0:0:0::/48', undefined])
  for (const address of ['192.0.2.7', '2001:db8:0:0:0:0:0:1'])
    expect(textOfAddress(parseAddress(address) ?? [])).toBe(address)
})
