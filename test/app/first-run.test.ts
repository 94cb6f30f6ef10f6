import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDataFolder, type DataFolder } from '../../src/app/data-folder.ts'
import { firstRun } from '../../src/app/first-run.ts'
import type { ControlClient, CreatedChannel, ImportedKey, NewChannel } from '../../src/client/index.ts'
import { SluiceError, systemClock, type KeyId } from '../../src/core/index.ts'
import { admitted } from './publish-grant.ts'
import { freshFolder } from './folder.ts'

const KEY = 'KFIRST' as KeyId

/** A control that keeps what it is asked for. */
class FakeClient {
  readonly channels: NewChannel[] = []
  readonly waitedFor: number[] = []
  publicPem = ''
  refusal: SluiceError | undefined
  /** Of the channel that is there. */
  id: string | undefined = 'cthere'

  importKey({ pem, name, group }: { pem: string; name: string; group: string }): Promise<ImportedKey> {
    this.publicPem = pem
    return Promise.resolve({ id: KEY, name, group, groupMade: false, snapshotVersion: 1 })
  }

  createChannel(
    wanted: NewChannel,
  ): Promise<Pick<CreatedChannel, 'snapshotVersion'> & { channel: { id: string } }> {
    if (this.refusal) return Promise.reject(this.refusal)
    this.channels.push(wanted)
    this.id = 'cfirst'
    return Promise.resolve({ channel: { id: this.id }, snapshotVersion: 7 })
  }

  channel(): Promise<{ id: string }> {
    if (this.id !== undefined) return Promise.resolve({ id: this.id })
    return Promise.reject(new SluiceError('not-found', 'There is no channel.', { kind: 'not-found' }))
  }

  acknowledged(version: number): Promise<void> {
    this.waitedFor.push(version)
    return Promise.resolve()
  }

  asset(): Promise<{ state: string }> {
    return Promise.resolve({ state: 'ready' })
  }
}

function start(data: DataFolder, client: FakeClient, sample: 'publish' | 'leave-out' = 'publish') {
  const warnings: string[] = []
  const outcome = firstRun({
    ...{ data, sample, rtmp: '127.0.0.1:1935' },
    client: client as unknown as ControlClient, // it answers all that is asked here
    warn: sentence => warnings.push(sentence),
    signal: new AbortController().signal,
  })
  return outcome.then(things => ({ ...things, warnings }))
}

/** A data folder whose sample was published before, since a fake cannot take an upload. */
function folderWithSample(): DataFolder {
  const data = openDataFolder(join(freshFolder(), 'data'))
  writeFileSync(data.firstRunFile, JSON.stringify({ sample: 'asample' }))
  return data
}

const doneIn = (data: DataFolder): unknown => JSON.parse(readFileSync(data.firstRunFile, 'utf8'))

test('a first start makes a channel and signs for it with its own key, and the next start signs anew', async () => {
  const data = folderWithSample()
  const client = new FakeClient()
  const first = await start(data, client)
  expect([client.channels, client.waitedFor, first.warnings]).toEqual([[{ path: '/live/hello' }], [7], []])
  expect(doneIn(data)).toEqual({ key: KEY, sample: 'asample', channel: 'cfirst' })
  expect(first.sample).toBe('/sample/index.m3u8')
  expect(first.channel).toMatchObject({ path: '/live/hello', server: 'rtmp://127.0.0.1:1935/live' })
  const hours = ((first.channel?.expires ?? 0) - systemClock.now()) / 3_600_000
  expect(Math.abs(hours - 12)).toBeLessThan(0.01)
  expect(admitted(first.channel?.streamKey ?? '', KEY, client.publicPem)).toBe('allowed')

  const second = await start(data, client)
  expect([second.channel?.path, client.channels.length]).toEqual(['/live/hello', 1])
  expect(admitted(second.channel?.streamKey ?? '', KEY, client.publicPem)).toBe('allowed')
})

test.each([
  ['deleted', undefined],
  ['deleted, and another made in its place', 'canother'],
])('a first channel that was %s is neither made again nor signed for', async (_, id) => {
  const data = folderWithSample()
  const client = new FakeClient()
  await start(data, client)
  client.id = id
  expect(await start(data, client)).toMatchObject({ channel: undefined, warnings: [] })
  expect(client.channels).toHaveLength(1)
})

test('without the sample there is no channel either', async () => {
  const data = openDataFolder(join(freshFolder(), 'data'))
  const client = new FakeClient()
  expect(await start(data, client, 'leave-out')).toEqual({ sample: null, channel: undefined, warnings: [] })
  expect([client.channels, doneIn(data)]).toEqual([[], { key: KEY }])
})

test('a channel that cannot be made is a sentence, not the end; the next start tries again', async () => {
  const data = folderWithSample()
  const client = new FakeClient()
  client.refusal = new SluiceError('no-room', 'There is no room.')
  expect(await start(data, client)).toEqual({
    sample: '/sample/index.m3u8',
    channel: undefined,
    warnings: ['The channel /live/hello was not created: There is no room.'],
  })
  client.refusal = undefined
  expect((await start(data, client)).channel?.path).toBe('/live/hello')
})

test('a channel of this name that somebody made is taken as it is', async () => {
  const data = folderWithSample()
  const client = new FakeClient()
  client.refusal = new SluiceError('exists', 'There is a channel.', { kind: 'conflict' })
  expect((await start(data, client)).warnings).toEqual([])
  expect(doneIn(data)).toMatchObject({ channel: 'cthere' })
})
