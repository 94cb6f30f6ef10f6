import { expect, test } from 'vitest'
import { systemClock, type AssetId } from '../../src/core/index.ts'
import type { Pointer } from '../../src/origin/pointer.ts'
import { Pointers } from '../../src/origin/pointers.ts'
import { memoryStore } from '../../src/storage/index.ts'

const PATH = '/films/one'

function pointer(version: number): Pointer {
  return {
    ...{
      format: 1,
      path: PATH,
      assetId: 'a1' as AssetId,
      version,
      publishedAt: systemClock.now(),
      durationSeconds: 1,
    }, // a made-up id
    ...{ media: 'media', index: 'index', previous: [] },
    renditions: [{ rendition: RENDITION, track: 0 }],
  }
}

const RENDITION: Pointer['renditions'][number]['rendition'] = {
  ...{ name: 'audio-0123456789', kind: 'audio', codec: 'mp4a.40.2', durationSeconds: 1 },
  bandwidth: { average: 1, peak: 1 },
}

test('what was read before a change is not remembered behind it', async () => {
  const store = memoryStore()
  let release = (): void => {}
  let hold = false
  const pointers = new Pointers(
    {
      ...store,
      async readVersion(key) {
        const found = await store.readVersion(key)
        if (hold) {
          hold = false
          await new Promise<void>(resolve => (release = resolve))
        }
        return found
      },
    },
    systemClock,
  )
  await pointers.publish(pointer(1))
  hold = true
  const early = pointers.find(PATH, 0)
  await pointers.publish(pointer(2))
  release()
  expect((await early)?.version).toBe(1)
  expect((await pointers.find(PATH, 0))?.version).toBe(2)
})

test('two origins that publish at one path at once lose no version', async () => {
  const store = memoryStore()
  const both = [new Pointers(store, systemClock), new Pointers(store, systemClock)]
  await both[0]?.publish(pointer(1))
  await Promise.all(both.map((pointers, index) => pointers.publish(pointer(2 + index))))
  const served = await both[0]?.read(PATH)
  const versions = [served?.version, ...(served?.previous ?? []).map(({ version }) => version)]
  expect(versions.sort()).toEqual([1, 2, 3])
})
