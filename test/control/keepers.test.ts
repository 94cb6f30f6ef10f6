import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChannel } from '../../src/control/channels.ts'
import {
  channelOwners,
  ensureKeyGroup,
  listNodes,
  openDatabase,
  readMeta,
  setLocalNodes,
  type Database,
  type LocalNode,
} from '../../src/control/database/index.ts'
import { rendezvous, systemClock, type RoleName } from '../../src/core/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from './database-under-test.ts'
import { newIdentity } from './fixture.ts'

let folder: string
let database: Database

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keepers-'))
  await makeEmptyDatabase(folder)
  const url = databaseUrlOf(folder)
  database = await openDatabase({ url, dataDir: folder, clock: systemClock, onError: () => {} })
})

afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

function localNode(role: RoleName): LocalNode {
  const { id, publicJwk } = newIdentity(role)
  const { kty, crv, x } = publicJwk
  return { id, role, publicKey: { kty, crv, x }, url: null }
}

const start = (name: string, wanted: LocalNode[], kind: 'its-own' | 'shared' = 'shared'): Promise<void> =>
  database.transaction(tx => setLocalNodes(tx, wanted, { name, database: kind }))

const ids = async (): Promise<string[]> => (await database.read(listNodes)).map(({ id }) => id).sort()

const namesOf = (...all: LocalNode[]): string[] => all.map(({ id }) => id).sort()

test('of two whole Sluices on one database neither removes the nodes of the other', async () => {
  const [a, b] = [localNode('origin'), localNode('origin')]
  await start('one', [a, localNode('edge')])
  await start('two', [b])
  expect(await ids()).toHaveLength(3)
  await start('one', [a])
  expect(await ids()).toEqual(namesOf(a, b))
  const { version } = await database.read(readMeta)
  await start('two', [b])
  expect((await database.read(readMeta)).version).toBe(version)
  await start('two', [])
  expect(await ids()).toEqual([a.id])
  // A folder that was copied, or restored: what is named again is its own from then on.
  await start('three', [a])
  await start('one', [])
  expect(await ids()).toEqual([a.id])
})

test('who has the database for itself has all of them', async () => {
  const c = localNode('edge')
  await start('four', [c], 'its-own')
  expect(await ids()).toEqual([c.id])
})

test('when another whole Sluice comes, channels stay with whose they were without being named', async () => {
  const [a, b] = [localNode('origin'), localNode('origin')]
  const reached = [a, b].map(node => ({ ...node, url: `https://${node.id}:9001` }))
  const PATH = '/live/stage'
  const [first, second] = rendezvous(PATH, reached, ({ id }) => id)
  if (!first || !second) throw new Error('two were made')
  // All prefer the first for the channel, and the second has it.
  await start('one', [second], 'its-own')
  await database.transaction(async tx => {
    await ensureKeyGroup(tx, 'default')
    await createChannel(tx, { path: PATH })
  })
  await start('two', [first])
  expect(await database.read(channelOwners)).toEqual([{ path: PATH, owner: second.id, lease: 1 }])
})
