import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { objectKey, type ObjectStore } from '../../src/storage/index.ts'

/** A store under test and how to be rid of it. */
export interface StoreUnderTest {
  store: ObjectStore
  /** Whatever lies in it, half-written things too. */
  left(): Promise<string[]>
  close(): Promise<void>
}

const text = (value: string) => new TextEncoder().encode(value)
const read = async (store: ObjectStore, key: string) =>
  Buffer.from(await store.read(objectKey(key), 0, 1_000_000)).toString()

async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.list(prefix)) found.push(key)
  return found.sort()
}

/** What every object store promises (src/storage/contract.ts). */
export function objectStoreContract(
  name: string,
  open: () => Promise<StoreUnderTest>,
  /** Not every store that speaks S3 compares and writes in one step. */
  { conditions = 'kept' }: { conditions?: 'kept' | 'ignored' } = {},
): void {
  describe(`the contract of object stores: ${name}`, () => {
    let under: StoreUnderTest
    let store: ObjectStore
    beforeEach(async () => {
      under = await open()
      store = under.store
    })
    afterEach(() => under.close())

    it('gives back what was put, with its size and the time it was written', async () => {
      const before = Date.now() - 2000
      await store.put(objectKey('assets/a1/v1/media.mp4'), text('hello'))
      const info = await store.head(objectKey('assets/a1/v1/media.mp4'))
      expect(info).toMatchObject({ key: 'assets/a1/v1/media.mp4', size: 5 })
      expect(info?.modified).toBeGreaterThan(before)
      expect(info?.modified).toBeLessThan(Date.now() + 2000)
      expect(await read(store, 'assets/a1/v1/media.mp4')).toBe('hello')
    })

    it('takes a stream as well as bytes, and gives a stream', async () => {
      await store.put(objectKey('a'), Readable.from([Buffer.from('one '), Buffer.from('two')]))
      expect((await buffer(await store.stream(objectKey('a')))).toString()).toBe('one two')
    })

    it.each([
      [0, 3, 'abc'],
      [3, 3, 'def'],
      [4, 100, 'efg'],
      [7, 5, ''],
      [70, 5, ''],
      [2, 0, ''],
    ])('reads from %i at most %i bytes: %j', async (start, length, expected) => {
      await store.put(objectKey('a'), text('abcdefg'))
      expect(Buffer.from(await store.read(objectKey('a'), start, length)).toString()).toBe(expected)
    })

    it('holds an empty object', async () => {
      await store.put(objectKey('empty'), new Uint8Array())
      expect(await store.head(objectKey('empty'))).toMatchObject({ size: 0 })
      expect(await read(store, 'empty')).toBe('')
    })

    it('says what is not there', async () => {
      const absent = objectKey('not/there')
      expect(await store.head(absent)).toBeUndefined()
      await expect(store.read(absent, 0, 1)).rejects.toMatchObject({ code: 'object-not-found' })
      await expect(store.stream(absent)).rejects.toMatchObject({ code: 'object-not-found' })
      await expect(store.move(absent, objectKey('b'))).rejects.toMatchObject({ code: 'object-not-found' })
      await expect(store.delete(absent)).resolves.toBeUndefined()
      await expect(store.deleteAll('not/')).resolves.toBeUndefined()
    })

    it('does not take a folder for an object', async () => {
      await store.put(objectKey('assets/a1/media.mp4'), text('x'))
      expect(await store.head(objectKey('assets/a1'))).toBeUndefined()
      await expect(store.read(objectKey('assets/a1'), 0, 1)).rejects.toMatchObject({
        code: 'object-not-found',
      })
    })

    it('replaces an object whole, and a reader of the old one goes on reading the old one', async () => {
      const old = 'o'.repeat(300_000)
      await store.put(objectKey('a'), text(old))
      const reading = await store.stream(objectKey('a'))
      await store.put(objectKey('a'), text('new'))
      expect((await buffer(reading)).toString()).toBe(old)
      expect(await read(store, 'a')).toBe('new')
    })

    it('leaves nothing behind when the source of a put breaks', async () => {
      const broken = Readable.from(
        (function* () {
          yield Buffer.from('half')
          throw new Error('the source broke')
        })(),
      )
      await expect(store.put(objectKey('a/b'), broken)).rejects.toThrow('the source broke')
      expect(await store.head(objectKey('a/b'))).toBeUndefined()
      expect(await keys(store, '')).toEqual([])
    })

    it('keeps the old object when the source of its replacement breaks', async () => {
      await store.put(objectKey('a'), text('old'))
      const broken = new Readable({ read: () => broken.destroy(new Error('the source broke')) })
      await expect(store.put(objectKey('a'), broken)).rejects.toThrow('the source broke')
      expect(await read(store, 'a')).toBe('old')
    })

    it('moves an object over what stands there', async () => {
      await store.put(objectKey('uploads/p1'), text('film'))
      await store.put(objectKey('assets/a1/v1/source.mp4'), text('older'))
      await store.move(objectKey('uploads/p1'), objectKey('assets/a1/v1/source.mp4'))
      expect(await keys(store, '')).toEqual(['assets/a1/v1/source.mp4'])
      expect(await read(store, 'assets/a1/v1/source.mp4')).toBe('film')
    })

    it('lists and deletes what lies under a folder and not its neighbour that shares a prefix', async () => {
      for (const key of ['assets/a1/v1/x', 'assets/a1/v2/y', 'assets/a10/v1/x', 'pointers/z']) {
        await store.put(objectKey(key), text(key))
      }
      expect(await keys(store, 'assets/a1/')).toEqual(['assets/a1/v1/x', 'assets/a1/v2/y'])
      expect(await keys(store, '')).toHaveLength(4)
      await store.deleteAll('assets/a1/')
      expect(await keys(store, '')).toEqual(['assets/a10/v1/x', 'pointers/z'])
      await expect(store.deleteAll('assets/a1')).rejects.toMatchObject({ code: 'bad-object-key' })
    })

    it('deletes one object, and its folder can be written to again', async () => {
      await store.put(objectKey('a/b/c'), text('1'))
      await store.delete(objectKey('a/b/c'))
      expect(await keys(store, '')).toEqual([])
      await store.put(objectKey('a/b/c'), text('2'))
      expect(await read(store, 'a/b/c')).toBe('2')
    })

    it('lets many write one key at once; one of them wins whole', async () => {
      const bodies = Array.from({ length: 20 }, (_, i) => String(i).repeat(5000))
      await Promise.all(bodies.map(body => store.put(objectKey('same/key'), text(body))))
      expect(bodies).toContain(await read(store, 'same/key'))
      expect(await keys(store, '')).toEqual(['same/key'])
    })

    it('lets folders come and go while others write into them', async () => {
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          const key = objectKey('busy/folder', `k${i}`)
          await store.put(key, text('x'))
          await store.delete(key)
        }),
      )
      expect(await keys(store, '')).toEqual([])
    })

    it('takes a stream of many megabytes, and gives any part of it', async () => {
      const bytes = randomBytes(19_000_003)
      const chunks = [
        bytes.subarray(0, 17_000_000),
        bytes.subarray(17_000_000, 17_000_001),
        bytes.subarray(17_000_001),
      ]
      await store.put(objectKey('large'), Readable.from(chunks))
      expect(await store.head(objectKey('large'))).toMatchObject({ size: bytes.length })
      expect((await buffer(await store.stream(objectKey('large')))).equals(bytes)).toBe(true)
      const part = await store.read(objectKey('large'), 16_777_000, 2_000_000)
      expect(bytes.subarray(16_777_000, 18_777_000).equals(part)).toBe(true)
    })

    it('leaves nothing of a large stream that breaks', async () => {
      const broken = Readable.from(
        (function* () {
          yield randomBytes(20_000_000)
          yield randomBytes(20_000_000)
          throw new Error('the source broke')
        })(),
      )
      await expect(store.put(objectKey('large'), broken)).rejects.toThrow('the source broke')
      expect(await store.head(objectKey('large'))).toBeUndefined()
      expect(await under.left()).toEqual([])
    })

    it('writes by comparison: over the version that was read, or where nothing is', async () => {
      const key = objectKey('pointers/p')
      expect(await store.readVersion(key)).toBeUndefined()
      expect(await store.putVersion(key, text('one'), undefined)).toBe('written')
      expect(await store.putVersion(key, text('two'), undefined)).toBe('changed')
      const one = await store.readVersion(key)
      expect(Buffer.from(one?.body ?? []).toString()).toBe('one')
      expect(await store.putVersion(key, text('two'), one?.version)).toBe('written')
      expect(await store.putVersion(key, text('three'), one?.version)).toBe('changed')
      expect(await read(store, 'pointers/p')).toBe('two')
      const two = await store.readVersion(key)
      await store.delete(key)
      expect(await store.putVersion(key, text('three'), two?.version)).toBe('changed')
      expect(await store.head(key)).toBeUndefined()
    })

    it.runIf(conditions === 'kept')('lets one win of many who compare and write at once', async () => {
      const key = objectKey('pointers/p')
      await store.put(key, text('old'))
      const old = await store.readVersion(key)
      const bodies = Array.from({ length: 10 }, (_, i) => `by ${i}`)
      const told = await Promise.all(bodies.map(body => store.putVersion(key, text(body), old?.version)))
      expect(told.filter(each => each === 'written')).toEqual(['written'])
      expect(await read(store, 'pointers/p')).toBe(bodies[told.indexOf('written')])
    })

    describe('objects that grow', () => {
      const key = objectKey('uploads/p1')
      const grow = (offset: number, ...chunks: Uint8Array[]) =>
        store.growing.append(key, offset, Readable.from(chunks))
      const growing = async (): Promise<string[]> => {
        const found: string[] = []
        for await (const each of store.growing.list('uploads/')) found.push(each.key)
        return found
      }

      it('are objects when all of them has arrived, in whatever pieces', async () => {
        const bytes = randomBytes(18_000_001)
        await store.growing.begin(key, bytes.length)
        expect(await store.growing.arrived(key)).toBe(0)
        expect(await growing()).toEqual(['uploads/p1'])
        let at = 0
        for (const length of [1, 100_000, 8 * 2 ** 20, 0, 5_000_000, Infinity]) {
          const next = Math.min(bytes.length, at + length)
          expect(await grow(at, bytes.subarray(at, next))).toBe(next)
          expect(await store.growing.arrived(key)).toBe(next)
          at = next
        }
        expect((await buffer(await store.stream(key))).equals(bytes)).toBe(true)
        expect(await growing()).toEqual(['uploads/p1'])
        await store.move(key, objectKey('assets/a1/film'))
        expect(await store.head(objectKey('assets/a1/film'))).toMatchObject({ size: bytes.length })
        expect(await growing()).toEqual([])
        expect(await store.growing.arrived(key)).toBeUndefined()
        await store.deleteAll('assets/a1/')
        expect(await under.left()).toEqual([])
      })

      it('keep what came before a body broke', async () => {
        const bytes = randomBytes(9_000_000)
        await store.growing.begin(key, bytes.length)
        const broken = Readable.from(
          (async function* () {
            yield bytes.subarray(0, 8_500_000)
            // What a stream has not handed on yet is lost with it. Not all stores can say before the end what has come.
            for (let turn = 0; turn < 20 && (await store.growing.arrived(key)) !== 8_500_000; turn++)
              await new Promise(resolve => setTimeout(resolve, 50))
            throw new Error('the viewer went away')
          })(),
        )
        await expect(store.growing.append(key, 0, broken)).rejects.toThrow('the viewer went away')
        const arrived = (await store.growing.arrived(key)) ?? 0
        expect(arrived).toBe(8_500_000)
        expect(await grow(arrived, bytes.subarray(arrived))).toBe(bytes.length)
        expect((await buffer(await store.stream(key))).equals(bytes)).toBe(true)
      })

      it('take nothing elsewhere than at their end', async () => {
        await store.growing.begin(key, 10)
        await grow(0, text('hello'))
        await expect(grow(3, text('xx'))).rejects.toMatchObject({ code: 'offset-moved', kind: 'conflict' })
        await expect(grow(7, text('xx'))).rejects.toMatchObject({ code: 'offset-moved' })
        expect(await grow(5, text('world'))).toBe(10)
        await expect(grow(5, text('again'))).rejects.toMatchObject({ code: 'offset-moved' })
        expect(await read(store, 'uploads/p1')).toBe('helloworld')
      })

      it('of no bytes are whole at once', async () => {
        await store.growing.begin(key, 0)
        expect(await store.growing.arrived(key)).toBe(0)
        expect(await store.head(key)).toMatchObject({ size: 0 })
      })

      it('are done away with, begun, half there or whole', async () => {
        await store.growing.begin(key, 10)
        await store.growing.abandon(key)
        await store.growing.begin(key, 10)
        await grow(0, text('hello'))
        await store.growing.abandon(key)
        await expect(grow(5, text('world'))).rejects.toMatchObject({ code: 'object-not-found' })
        await store.growing.begin(key, 5)
        await grow(0, text('hello'))
        await store.growing.abandon(key)
        await store.growing.abandon(key)
        expect(await store.growing.arrived(key)).toBeUndefined()
        expect(await growing()).toEqual([])
        expect(await under.left()).toEqual([])
      })
    })
  })
}
