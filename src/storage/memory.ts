import { Readable } from 'node:stream'
import { instant, type Bytes, type Instant } from '../core/index.ts'
import type { GrowingObjects, ObjectInfo, ObjectKey, ObjectStore } from './contract.ts'
import { notFound, offsetMoved, storageFull } from './failure.ts'
import { prefixSegments } from './object-key.ts'
import { versionOfBytes } from './version.ts'

export interface MemoryStoreOptions {
  /** Bytes of all objects together; above it `put` says `storage-full`. Unbounded when absent: for tests only. */
  capacity?: Bytes
  now?: () => Instant
}

interface Held {
  body: Uint8Array
  modified: Instant
}

/** Objects that end with the process: tests, and trying things out. */
export function memoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const { capacity, now = () => instant(Date.now()) } = options
  const objects = new Map<ObjectKey, Held>()

  const used = () => {
    let sum = 0
    for (const held of objects.values()) sum += held.body.byteLength
    return sum
  }
  const find = (key: ObjectKey): Held => {
    const held = objects.get(key)
    if (!held) throw notFound(key)
    return held
  }
  const room = (key: ObjectKey) =>
    capacity === undefined ? Infinity : capacity - used() + (objects.get(key)?.body.byteLength ?? 0)

  const versionOf = (held: Held | undefined) => held && versionOfBytes(held.body)
  const list = async function* (prefix: string): AsyncIterable<ObjectInfo> {
    prefixSegments(prefix)
    for (const [key, held] of [...objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await Promise.resolve()
      if (key.startsWith(prefix)) yield { key, size: held.body.byteLength, modified: held.modified }
    }
  }
  const growing: GrowingObjects = {
    begin: key => attempt(() => void objects.set(key, { body: new Uint8Array(0), modified: now() })),
    arrived: key => Promise.resolve(objects.get(key)?.body.byteLength),
    async append(key, offset, body) {
      const there = find(key).body
      if (there.byteLength !== offset) throw offsetMoved(key, there.byteLength, offset)
      const chunks: Uint8Array[] = [there]
      try {
        for await (const chunk of body) chunks.push(Buffer.from(chunk as Uint8Array)) // byte streams only
      } finally {
        const whole = new Uint8Array(Buffer.concat(chunks))
        if (whole.byteLength <= room(key)) objects.set(key, { body: whole, modified: now() })
      }
      return find(key).body.byteLength
    },
    abandon: key => attempt(() => void objects.delete(key)),
    list,
  }

  return {
    reach: 'near',
    growing,
    readVersion: key =>
      attempt(() => {
        const held = objects.get(key)
        return held && { body: held.body.slice(), version: versionOfBytes(held.body) }
      }),
    putVersion: (key, body, before) =>
      attempt(() => {
        if (versionOf(objects.get(key)) !== before) return 'changed'
        if (body.byteLength > room(key)) throw storageFull('memory')
        objects.set(key, { body: new Uint8Array(body), modified: now() })
        return 'written'
      }),
    head: key => {
      const held = objects.get(key)
      return Promise.resolve(held && { key, size: held.body.byteLength, modified: held.modified })
    },
    read: (key, start, length) =>
      attempt(() => {
        const { body } = find(key)
        return body.slice(start, start + length)
      }),
    stream: key => attempt(() => Readable.from([Buffer.from(find(key).body)])),
    async put(key, body) {
      const whole = body instanceof Uint8Array ? new Uint8Array(body) : await collect(body, room(key))
      if (whole.byteLength > room(key)) throw storageFull('memory')
      objects.set(key, { body: whole, modified: now() })
    },
    move: (from, to) =>
      attempt(() => {
        const held = find(from)
        objects.delete(from)
        objects.set(to, held)
      }),
    delete: key => attempt(() => void objects.delete(key)),
    deleteAll: prefix =>
      attempt(() => {
        prefixSegments(prefix)
        for (const key of [...objects.keys()]) if (key.startsWith(prefix)) objects.delete(key)
      }),
    list,
    free: () => Promise.resolve(capacity === undefined ? undefined : Math.max(0, capacity - used())),
    localPath: () => undefined,
  }
}

function attempt<T>(work: () => T): Promise<T> {
  return new Promise(resolve => resolve(work()))
}

async function collect(source: Readable, room: Bytes): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Uint8Array) // byte streams only: the contract takes no object streams
    size += bytes.byteLength
    if (size > room) throw storageFull('memory')
    chunks.push(bytes)
  }
  return new Uint8Array(Buffer.concat(chunks))
}
