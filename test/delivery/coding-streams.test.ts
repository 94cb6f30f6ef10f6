import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { canDecode } from '../../src/delivery/answer/compress.ts'
import { CodingStreams } from '../../src/delivery/answer/coding-streams.ts'

const TEXT = Buffer.alloc(5_000, 'a line of text\n')
const PACKED = gzipSync(TEXT)

test('so many run at once and no more, and who has left makes room', async () => {
  const streams = new CodingStreams()
  const begun: AsyncIterator<Uint8Array>[] = []
  for (;;) {
    const stream = streams.compressed(() => [TEXT], 'gzip')
    if (stream === undefined) break
    const reading = stream[Symbol.asyncIterator]()
    await reading.next()
    begun.push(reading)
  }
  expect([begun.length, streams.running]).toEqual([64, 64])
  expect(streams.decoded(() => [PACKED], ['gzip'])).toBeUndefined()
  await begun[0]?.return?.()
  expect(streams.running).toBe(63)
  const decoded = streams.decoded(() => [PACKED], ['gzip'])
  if (decoded === undefined) throw new Error('there is no room')
  const read: Uint8Array[] = []
  for await (const bytes of decoded) read.push(bytes)
  expect(Buffer.concat(read).equals(TEXT)).toBe(true)
  for (const each of begun) await each.return?.()
  expect(streams.running).toBe(0)
})

test('what is never read never runs', () => {
  const streams = new CodingStreams()
  let opened = 0
  const chunks = (): Buffer[] => {
    opened++
    return [TEXT]
  }
  for (let n = 0; n < 100; n++) expect(streams.compressed(chunks, 'br')).toBeDefined()
  expect([opened, streams.running]).toEqual([0, 0])
})

test('a little that swells goes out no faster than it is read', async () => {
  const streams = new CodingStreams()
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  let taken = 0
  function* pieces(): Generator<Buffer> {
    for (let at = 0; at < bomb.length; at += 100) {
      taken += 100
      yield bomb.subarray(at, at + 100)
    }
  }
  const decoded = streams.decoded(pieces, ['gzip'])
  if (decoded === undefined) throw new Error('there is no room')
  for await (const bytes of decoded) {
    expect(bytes.length).toBeLessThanOrEqual(64 * 1024)
    break
  }
  expect(taken).toBeLessThan(bomb.length / 2)
  expect(streams.running).toBe(0)
})

test.each([
  [['gzip'], true],
  [['gzip', 'br'], true],
  [['deflate'], true],
  [['zstd'], false],
  [['gzip', 'gzip', 'gzip'], false],
  [['__proto__'], false],
  [['constructor'], false],
])('whether %j can be decoded: %j', (codings, can) => {
  expect(canDecode(codings)).toBe(can)
})
