import { expect, test } from 'vitest'
import { instant, systemClock, type NodeId } from '../../src/core/index.ts'
import { MeasuredNetworks } from '../../src/control/measured.ts'

const A = 'edge-a' as NodeId
const B = 'edge-b' as NodeId
const of = (edge: NodeId, network: string, milliseconds: number): object => ({ edge, network, milliseconds })

test('a router hears what is new since it asked last, the newest of each network and edge', () => {
  const measured = new MeasuredNetworks(systemClock)
  measured.learn(A, [
    { network: '192.0.2.0/24', milliseconds: 10 },
    { network: '198.51.100.0/24', milliseconds: 20 },
  ])
  measured.learn(B, [{ network: '192.0.2.0/24', milliseconds: 30 }])
  measured.learn(A, [{ network: '192.0.2.0/24', milliseconds: 11 }])
  const first = measured.from(undefined, 0)
  expect(first.measured).toEqual([
    of(A, '198.51.100.0/24', 20),
    of(B, '192.0.2.0/24', 30),
    of(A, '192.0.2.0/24', 11),
  ])
  expect(measured.from(first.life, first.next).measured).toEqual([])
  measured.learn(B, [{ network: '192.0.2.0/24', milliseconds: 31 }])
  expect(measured.from(first.life, first.next).measured).toEqual([of(B, '192.0.2.0/24', 31)])
  // Of another process, whose numbers were others.
  expect(measured.from('another', first.next).measured).toHaveLength(3)
})

test('what is too much for one answer comes with the next', () => {
  const measured = new MeasuredNetworks(systemClock)
  const networks = Array.from({ length: 10_500 }, (_, n) => ({
    network: `10.${n >> 8}.${n & 255}.0/24`,
    milliseconds: 1,
  }))
  measured.learn(A, networks)
  const first = measured.from(undefined, 0)
  const second = measured.from(first.life, first.next)
  expect([first.measured.length, second.measured.length]).toEqual([10_000, 500])
  expect(second.measured.at(-1)).toEqual(of(A, '10.41.3.0/24', 1))
})

test('other controls are told what edges have said here, and not what they have told', () => {
  const measured = new MeasuredNetworks(systemClock)
  measured.learn(A, [{ network: '192.0.2.0/24', milliseconds: 10 }])
  measured.heard([{ edge: B, network: '192.0.2.0/24', milliseconds: 20 }])
  const first = measured.news()
  expect(first.measured).toEqual([of(A, '192.0.2.0/24', 10)])
  // The database was away.
  expect(measured.news().measured).toEqual(first.measured)
  measured.learn(A, [{ network: '198.51.100.0/24', milliseconds: 30 }])
  first.told()
  const second = measured.news()
  expect(second.measured).toEqual([of(A, '198.51.100.0/24', 30)])
  second.told()
  expect(measured.news().measured).toEqual([])
  // Routers are told of all.
  expect(measured.from(undefined, 0).measured).toHaveLength(3)
})

test('what is too much for other controls at once is told with the next', () => {
  const measured = new MeasuredNetworks(systemClock)
  measured.learn(
    A,
    Array.from({ length: 2_500 }, (_, n) => ({ network: `10.${n >> 8}.${n & 255}.0/24`, milliseconds: 1 })),
  )
  const [first, second] = [0, 1].map(() => {
    const news = measured.news()
    news.told()
    return news.measured
  })
  expect([first?.length, second?.length, first?.at(-1), second?.[0]]).toEqual([
    ...[2_000, 500],
    ...[of(A, '10.7.207.0/24', 1), of(A, '10.7.208.0/24', 1)],
  ])
})

test('a router that begins hears nothing that no edge has said for half an hour', () => {
  const clock = { at: 0 }
  const measured = new MeasuredNetworks({ now: () => instant(clock.at) })
  measured.learn(A, [
    { network: '192.0.2.0/24', milliseconds: 10 },
    { network: '198.51.100.0/24', milliseconds: 20 },
  ])
  clock.at = 10 * 60_000
  measured.learn(A, [{ network: '192.0.2.0/24', milliseconds: 11 }])
  clock.at = 30 * 60_000
  expect(measured.from(undefined, 0).measured).toEqual([of(A, '192.0.2.0/24', 11)])
})
