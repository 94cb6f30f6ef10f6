import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { memoryStore, objectKey } from '../../src/storage/index.ts'
import { objectStoreContract } from '../contracts/object-store.ts'

objectStoreContract('memory', () => {
  const store = memoryStore()
  const left = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { key } of store.list('')) found.push(key)
    return found
  }
  return Promise.resolve({ store, left, close: () => Promise.resolve() })
})

it('says storage-full above its capacity and keeps what it had', async () => {
  const store = memoryStore({ capacity: 10 })
  await store.put(objectKey('a'), Buffer.from('12345678'))
  expect(await store.free()).toBe(2)
  await expect(store.put(objectKey('b'), Buffer.from('123'))).rejects.toMatchObject({ code: 'storage-full' })
  await expect(store.put(objectKey('b'), Readable.from([Buffer.from('123')]))).rejects.toMatchObject({
    code: 'storage-full',
  })
  expect(await store.head(objectKey('b'))).toBeUndefined()
  await store.put(objectKey('a'), Buffer.from('1234567890'))
  expect(await store.free()).toBe(0)
})

it('does not share its bytes with the caller', async () => {
  const store = memoryStore()
  const body = Buffer.from('abc')
  await store.put(objectKey('a'), body)
  body[0] = 120
  expect(Buffer.from(await store.read(objectKey('a'), 0, 3)).toString()).toBe('abc')
})
