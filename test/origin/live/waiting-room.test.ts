import { setMaxListeners } from 'node:events'
import { expect, test } from 'vitest'
import { instant } from '../../../src/core/index.ts'
import { Places, WaitingRoom, type Question } from '../../../src/origin/live/waiting-room.ts'

const NEVER = new AbortController().signal
// Requests have a signal each; here thousands share one.
setMaxListeners(0, NEVER)

test('one look per question wakes all who ask it, however many they are', async () => {
  const places = new Places(10_000)
  const room = new WaitingRoom(places)
  let looks = 0
  let ready = false
  const question: Question = {
    key: 'part 3',
    settled: () => {
      looks++
      return ready
    },
    limit: () => 6_000,
  }
  const waiting = Array.from({ length: 9_999 }, () => room.wait(question, instant(0), NEVER))
  const other = room.wait({ ...question, key: 'part 4', settled: () => false }, instant(0), NEVER)
  expect(await Promise.race([other, Promise.resolve('still waits')])).toBe('still waits')
  expect(await room.wait(question, instant(0), NEVER).then()).toBe('full')
  room.look()
  expect([looks, places.taken]).toEqual([1, 10_000])
  ready = true
  room.look()
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['settled']))
  expect([looks, places.taken]).toEqual([2, 1])
  room.close()
  expect(await other).toBe('closing')
  expect(await room.wait(question, instant(0), NEVER)).toBe('closing')
  expect(places.taken).toBe(0)
})

test('each waits from when it asked, and the limit may change meanwhile', async () => {
  const room = new WaitingRoom(new Places(10))
  let limit = 6_000
  const question: Question = { key: 'a', settled: () => false, limit: () => limit }
  const over: string[] = []
  const ask = (name: string, at: number) =>
    room.wait(question, instant(at), NEVER).then(how => over.push(`${name} ${how}`))
  const asked = [ask('first', 0), ask('second', 1_000)]
  room.tick(instant(5_999))
  room.tick(instant(6_000))
  await asked[0]
  expect(over).toEqual(['first late'])
  limit = 3_000
  room.tick(instant(6_000))
  await asked[1]
  expect(over).toEqual(['first late', 'second late'])
})

test('who has left before or while waiting takes no place', async () => {
  const places = new Places(1)
  const room = new WaitingRoom(places)
  const question: Question = { key: 'a', settled: () => false, limit: () => 1 }
  expect(await room.wait(question, instant(0), AbortSignal.abort())).toBe('gone')
  const leaving = new AbortController()
  const waiting = room.wait(question, instant(0), leaving.signal)
  leaving.abort()
  expect(await waiting).toBe('gone')
  expect(places.taken).toBe(0)
})
