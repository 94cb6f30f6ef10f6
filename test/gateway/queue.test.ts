import { expect, test } from 'vitest'
import { instant, MiB } from '../../src/core/index.ts'
import type { FlvTag } from '../../src/cmaf/index.ts'
import { TagQueue } from '../../src/gateway/queue.ts'
import {
  audioHeader,
  keyframe,
  large,
  metadata,
  nameOf,
  namesIn,
  picture,
  sound,
  tagsIn,
  videoHeader,
} from './tags.ts'

const LIMITS = { bytes: 8 * MiB, span: 2000 }
const at = instant

function queueOf(...tags: FlvTag[]): TagQueue {
  const queue = new TagQueue(LIMITS)
  tags.forEach((tag, index) => queue.push(tag, at(1000 + index)))
  return queue
}

const lengthOf = (pieces: Uint8Array[]): number => pieces.reduce((sum, piece) => sum + piece.length, 0)

const OPENING = [metadata(), videoHeader(), audioHeader()]

test('the first hand-over is the FLV file as it came, whatever it begins with', () => {
  const queue = queueOf(...OPENING, picture(1), sound(2), keyframe(3))
  const header = queue.begin('anywhere', at(2000))
  expect(namesIn(header, ...queue.give(1 * MiB))).toEqual([
    'metadata 0',
    'video header 0',
    'audio header 0',
    'picture 1',
    'sound 2',
    'keyframe 3',
  ])
  expect(queue.give(1 * MiB)).toEqual([])
})

test('what the origin has muxed leaves the queue, to the byte', () => {
  const queue = queueOf(...OPENING, keyframe(1), picture(2))
  const header = queue.begin('anywhere', at(2000))
  const body = lengthOf([header, ...queue.give(1 * MiB)])
  expect(queue.taken(body - 1, at(2100))).toBe('moved')
  expect(queue.isEmpty).toBe(false)
  expect(queue.taken(body - 1, at(2150))).toBe('still')
  expect(queue.taken(body, at(2200))).toBe('moved')
  expect(queue.isEmpty).toBe(true)
})

test('bytes that it never gave out cannot be taken', () => {
  const queue = queueOf(keyframe(1))
  queue.begin('anywhere', at(2000))
  expect(queue.taken(1e9, at(2100))).toBe('still')
  expect(queue.isEmpty).toBe(false)
})

test('another hand-over begins with metadata and both headers, then the first keyframe that was not taken', () => {
  const queue = queueOf(...OPENING, keyframe(1), picture(2), picture(3), keyframe(40), sound(41), picture(42))
  queue.begin('anywhere', at(2000))
  queue.give(1)
  // It took the metadata and nothing of what followed.
  queue.taken(13 + 15 + 15, at(2100))
  queue.give(1 * MiB)
  const header = queue.begin('at-a-keyframe', at(3000))
  expect(namesIn(header, ...queue.give(1 * MiB))).toEqual([
    'metadata 0',
    'video header 0',
    'audio header 0',
    'keyframe 1',
    'picture 2',
    'picture 3',
    'keyframe 40',
    'sound 41',
    'picture 42',
  ])
})

test('after a keyframe was taken it begins at the next one, and headers have its time', () => {
  const queue = queueOf(...OPENING, keyframe(1), picture(2), picture(3), keyframe(40), sound(41))
  const header = queue.begin('anywhere', at(2000))
  const taken = lengthOf([header, ...OPENING, keyframe(1)].map(each => ('data' in each ? each.data : each)))
  queue.give(1 * MiB)
  queue.taken(taken + 4 * 15, at(2100))
  const again = tagsIn(queue.begin('at-a-keyframe', at(3000)), ...queue.give(1 * MiB))
  expect(again.map(tag => [nameOf(tag), tag.timestamp])).toEqual([
    ['metadata 0', 40],
    ['video header 0', 40],
    ['audio header 0', 40],
    ['keyframe 40', 40],
    ['sound 41', 41],
  ])
})

test('it waits for a keyframe when there is none, and drops what cannot be shown without', () => {
  const queue = queueOf(...OPENING, keyframe(1), picture(2))
  const header = queue.begin('anywhere', at(2000))
  const body = lengthOf([header, ...queue.give(1 * MiB)])
  queue.taken(body - 1, at(2100))
  const second = queue.begin('at-a-keyframe', at(3000))
  queue.push(sound(3), at(3100))
  queue.push(picture(4), at(3101))
  expect(queue.give(1 * MiB)).toEqual([])
  expect([queue.isEmpty, queue.isGiven, queue.stillSince]).toEqual([true, true, undefined])
  queue.push(keyframe(5), at(3102))
  const pieces = queue.give(1 * MiB)
  queue.push(picture(6), at(3103))
  expect(namesIn(second, ...pieces, ...queue.give(1 * MiB))).toEqual([
    'metadata 0',
    'video header 0',
    'audio header 0',
    'keyframe 5',
    'picture 6',
  ])
})

test('headers that changed in between are those of the keyframe, not the newest', () => {
  const queue = queueOf(...OPENING, keyframe(1), videoHeader(9), keyframe(2))
  queue.begin('anywhere', at(2000))
  queue.give(1 * MiB)
  const second = queue.begin('at-a-keyframe', at(3000))
  expect(namesIn(second, ...queue.give(1 * MiB)).slice(1, 4)).toEqual([
    'video header 0',
    'audio header 0',
    'keyframe 1',
  ])
  const third = queue.begin('at-a-keyframe', at(3500))
  const given = queue.give(1 * MiB)
  queue.taken(lengthOf([third, ...given]), at(3600))
  queue.begin('at-a-keyframe', at(4000))
  queue.push(keyframe(3), at(4001))
  expect(namesIn(third, ...queue.give(1 * MiB)).slice(1, 4)).toEqual([
    'video header 9',
    'audio header 0',
    'keyframe 3',
  ])
})

test('sound alone begins anywhere; with pictures it does not, until they have stopped for five seconds', () => {
  const radio = queueOf(metadata(), audioHeader(), sound(1), sound(2))
  const first = radio.begin('at-a-keyframe', at(2000))
  expect(namesIn(first, ...radio.give(1 * MiB))).toEqual([
    'metadata 0',
    'audio header 0',
    'sound 1',
    'sound 2',
  ])

  const film = queueOf(...OPENING, picture(1), sound(2))
  const second = film.begin('at-a-keyframe', at(2000))
  expect(film.give(1 * MiB)).toEqual([])
  film.push(sound(3), at(6000))
  expect(film.give(1 * MiB)).toEqual([])
  film.push(sound(4), at(6100))
  expect(namesIn(second, ...film.give(1 * MiB)).at(-1)).toBe('sound 4')
})

test('it gives out in portions', () => {
  const queue = queueOf(large(1, 1000), large(2, 1000), large(3, 1000))
  const header = queue.begin('anywhere', at(2000))
  const first = queue.give(1)
  const second = queue.give(1500)
  expect([namesIn(header, ...first), namesIn(header, ...second)]).toEqual([
    ['picture 1'],
    ['picture 2', 'picture 3'],
  ])
})

test('it is full at 2 s of age and has room again at one', () => {
  const queue = queueOf(keyframe(1))
  expect([queue.isFull(at(2999)), queue.isFull(at(3000))]).toEqual([false, true])
  const header = queue.begin('anywhere', at(3000))
  queue.push(picture(2), at(2500))
  const [one = 0] = [lengthOf([header, ...queue.give(1)])]
  expect(queue.hasRoom(at(3000))).toBe(false)
  queue.taken(one, at(3000))
  expect([queue.hasRoom(at(3500)), queue.hasRoom(at(3501))]).toEqual([true, false])
})

test('it is full at 8 MiB and has room again at half of it', () => {
  const queue = new TagQueue(LIMITS)
  const header = queue.begin('anywhere', at(1000))
  for (let n = 1; n <= 7; n++) queue.push(large(n, MiB), at(1000))
  expect(queue.isFull(at(1000))).toBe(false)
  queue.push(large(8, MiB), at(1000))
  expect(queue.isFull(at(1000))).toBe(true)
  const body = lengthOf([header, ...queue.give(4 * MiB)])
  queue.taken(body, at(1000))
  expect(queue.hasRoom(at(1000))).toBe(false)
  queue.taken(body + lengthOf(queue.give(1)), at(1000))
  expect(queue.hasRoom(at(1000))).toBe(true)
})

test('a flood of empty tags fills it too', () => {
  const queue = new TagQueue(LIMITS)
  let count = 0
  while (!queue.isFull(at(1000))) {
    queue.push({ type: 'audio', timestamp: 0, data: new Uint8Array(0) }, at(1000))
    count++
  }
  expect(count).toBe((8 * MiB) / 256)
})

test('it tells since when nothing moves, while something waits', () => {
  const queue = new TagQueue(LIMITS)
  const header = queue.begin('anywhere', at(500))
  expect(queue.stillSince).toBe(undefined)
  queue.push(keyframe(1), at(1000))
  queue.push(picture(2), at(1500))
  expect(queue.stillSince).toBe(1000)
  const pieces = queue.give(1)
  queue.taken(lengthOf([header, ...pieces]), at(1800))
  expect(queue.stillSince).toBe(1800)
})

test('an hour of tags leaves nothing behind', () => {
  const queue = new TagQueue(LIMITS)
  let bytes = queue.begin('anywhere', at(0)).length
  for (let n = 0; n < 100_000; n++) {
    queue.push(n % 50 === 0 ? keyframe(1, n) : picture(2, n), at(n))
    bytes += lengthOf(queue.give(1 * MiB))
    if (n % 30 === 0) queue.taken(bytes, at(n))
  }
  queue.taken(bytes, at(100_000))
  expect([queue.isEmpty, queue.hasRoom(at(200_000))]).toEqual([true, true])
})
