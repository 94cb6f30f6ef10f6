import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { KiB, MiB } from '../../src/core/index.ts'
import { CodedTexts } from '../../src/delivery/answer/coded-texts.ts'

const textOf = (length: number): Buffer => Buffer.alloc(length, 'a line of text, and another one\n')

test('a short text is made at once, and once for each body and coding', () => {
  const texts = new CodedTexts()
  const body = textOf(4 * KiB)
  const [gzip, br] = [texts.of(body, 'gzip'), texts.of(body, 'br')]
  if (!Buffer.isBuffer(gzip) || !Buffer.isBuffer(br)) throw new Error('it is not there at once')
  expect(gunzipSync(gzip).equals(body) && brotliDecompressSync(br).equals(body)).toBe(true)
  expect(texts.of(body, 'gzip')).toBe(gzip)
  expect(texts.of(body, 'br')).toBe(br)
  expect(texts.of(Buffer.from(body), 'gzip')).not.toBe(gzip)
})

test('a long text is made aside, once for all who ask meanwhile', async () => {
  const texts = new CodedTexts()
  const body = textOf(MiB)
  const [first, second] = [texts.of(body, 'br'), texts.of(body, 'br')]
  expect(first).toBeInstanceOf(Promise)
  expect(second).toBe(first)
  const made = await first
  expect(brotliDecompressSync(made ?? '').equals(body)).toBe(true)
  expect(texts.of(body, 'br')).toBe(made)
})

test.each([2 * KiB, 100 * KiB])('of %d bytes, what would not be shorter is given up once', async length => {
  const texts = new CodedTexts()
  const body = randomBytes(length)
  expect(await texts.of(body, 'gzip')).toBeUndefined()
  expect(texts.of(body, 'gzip')).toBeUndefined()
  expect(texts.bytes).toBe(0)
})

test('of many long texts at once the last do as they are, until others are made', async () => {
  const texts = new CodedTexts()
  const bodies = Array.from({ length: 20 }, () => textOf(100 * KiB))
  const made = bodies.map(body => texts.of(body, 'gzip'))
  expect(made.filter(each => each === undefined).length).toBe(12)
  expect(Buffer.isBuffer(texts.of(textOf(2 * KiB), 'gzip'))).toBe(true)
  for (const each of made) await each
  expect(texts.of(bodies[19] ?? textOf(0), 'gzip')).toBeInstanceOf(Promise)
})

test('what is made goes with its body', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // what the flag adds
  const texts = new CodedTexts()
  const kept = textOf(4 * KiB)
  void texts.of(kept, 'gzip')
  const least = texts.bytes
  for (let n = 0; n < 50; n++) void texts.of(textOf(4 * KiB + n), 'gzip')
  expect(texts.bytes).toBeGreaterThan(least)
  await expect
    .poll(
      () => {
        collect()
        return texts.bytes
      },
      { timeout: 10_000 },
    )
    .toBe(least)
  expect(kept.length).toBe(4 * KiB)
})
