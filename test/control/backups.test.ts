import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ControlClient, readBackup, type BackupHead, type BackupLine } from '../../src/client/index.ts'
import { restoreDatabase, startControl, type RunningControl } from '../../src/control/index.ts'
import { dumpRows, tablesInOrder, type DumpedRow } from '../../src/control/database/dump.ts'
import { systemClock, type Instant } from '../../src/core/index.ts'
import { compileInvalidations, type Snapshot } from '../../src/distribution/index.ts'
import { nodeTokenSource, softwareVersion } from '../../src/membership/index.ts'
import { databaseUrlOf, makeEmptyDatabase, openEngine } from './database-under-test.ts'
import { ADMIN, ControlFixture, newIdentity } from './fixture.ts'

const DISTRIBUTION = {
  origins: [
    { id: 'site', kind: 'http', url: 'http://192.0.2.1', headers: [{ name: 'X-Secret', value: 'hush' }] },
  ],
  behaviours: [{ pattern: '*', originId: 'site' }],
} as const

let control: ControlFixture
let folder: string
let head: BackupHead
let lines: BackupLine[]
/** Of the database when it was backed up. */
let before: Snapshot
let epoch: string
const joined = newIdentity('edge')

async function readAll(from: ControlFixture): Promise<{ head: BackupHead; lines: BackupLine[] }> {
  const read = await readBackup(from.client.backup())
  const all: BackupLine[] = []
  for await (const line of read.lines) all.push(line)
  return { head: read.head, lines: all }
}

function rowsIn(all: BackupLine[]): DumpedRow[] {
  let table = ''
  return all.flatMap(line => {
    if (line.kind === 'row') return [{ table, json: line.json }]
    if ('table' in line.word) table = line.word.table
    return []
  })
}

async function* each<T>(all: Iterable<T>): AsyncGenerator<T> {
  for (const one of all) yield await Promise.resolve(one)
}

let places = 0
async function emptyPlace(): Promise<{ dataDir: string; url: string | undefined }> {
  const dataDir = join(folder, `restored-${places++}`)
  await makeEmptyDatabase(dataDir)
  return { dataDir, url: databaseUrlOf(dataDir) }
}

type Place = Awaited<ReturnType<typeof emptyPlace>>

async function restore(
  place: Place,
  change: Partial<Parameters<typeof restoreDatabase>[0]> = {},
): Promise<{ rows: number }> {
  const { migration, madeAt } = head
  const rows = each(rowsIn(lines))
  const beforeLast = (): Promise<void> => Promise.resolve()
  return restoreDatabase({ ...place, clock: systemClock, migration, madeAt, rows, beforeLast, ...change })
}

async function contentsOf({ dataDir }: Place): Promise<string[]> {
  const engine = await openEngine(dataDir)
  try {
    return await engine.view(async session => {
      const found: string[] = []
      for await (const { table, json } of dumpRows(session)) found.push(`${table} ${json}`)
      return found.sort()
    })
  } finally {
    await engine.close()
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backups-'))
  control = await ControlFixture.open()
  await control.publishReady('/members/talk')
  await control.client.createChannel({ path: '/live/stage' })
  await control.client.createDistribution(DISTRIBUTION as never) // as an operator writes it
  await control.client.createPolicy({ name: 'short', comment: 'of "news"', says: { kind: 'cache' } })
  await control.client.createStore({ name: 'words', items: { a: 'one' } })
  const code = 'function handler(event) { return event.request }'
  await control.client.createFunction({ name: 'f', runtime: 'cloudfront-js-2.0', code, store: 'words' })
  await control.client.createToken({ name: 'of "a" \\ scr\u00edpt\n', scopes: ['read'] })
  await control.client.invalidate({ paths: ['/members/*', '/a/"quoted"'], reference: 'once' })
  await control.upload('/under/way')
  await control.lease()
  await control.client.publish({ path: '/half', fileName: 'a.mp4', size: 10, ladder: 'none' })
  const answer = await control.asNode(control.edge, '/v1/node/snapshot')
  epoch = answer.headers.get('sluice-epoch') ?? ''
  before = (await answer.json()) as Snapshot
  ;({ head, lines } = await readAll(control))
})

afterAll(async () => {
  await control.end()
  await rm(folder, { recursive: true, force: true })
})

describe('a backup', () => {
  it('has each row of each table, and names each object of storage', async () => {
    const tables = lines.flatMap(line =>
      line.kind === 'word' && 'table' in line.word ? [line.word.table] : [],
    )
    expect(tables).toEqual(tablesInOrder().filter(name => tables.includes(name)))
    expect(tables).toEqual(
      expect.arrayContaining([
        'meta',
        'assets',
        'channels',
        'distributions',
        'tokens',
        'access_keys',
        'blobs',
        'function_stages',
        'usage_hours',
      ]),
    )
    const objects = lines.flatMap(line => (line.kind === 'word' && 'object' in line.word ? [line.word] : []))
    const uploads = (await readdir(join(control.storage, 'objects', 'uploads'))).map(
      name => `uploads/${name}`,
    )
    expect(objects.map(({ object }) => object)).toEqual(uploads.sort())
    expect(head).toMatchObject({ sluice: 'backup', media: { kind: 'filesystem', folder: control.storage } })
  })

  it('is for who may do everything', async () => {
    const { token } = await control.client.createToken({ name: 'reads', scopes: ['read', 'publish'] })
    const answer = await fetch(`${control.url}/v1/backup`, { headers: { authorization: `Bearer ${token}` } })
    expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'scope' } }])
  })

  it('is made while others write, also where its reader reads nothing', async () => {
    const slow = [control.client.backup(), control.client.backup()]
    for (const each of slow) await each.next()
    await control.client.invalidate({ paths: ['/meanwhile'] })
    for (const each of slow) await each.return(undefined)
    await expect.poll(async () => (await readAll(control)).head.sluice).toBe('backup')
    // Nothing of it stays in control's folder.
    expect((await readdir(control.options().dataDir)).filter(name => name.startsWith('backup'))).toEqual([])
  })
})

describe('a restored database', () => {
  let running: RunningControl
  let found: string[]
  let after: Snapshot
  const origin = newIdentity('origin')
  const edge = newIdentity('edge')
  const began = Date.now()

  const ask = async (path: string, init: RequestInit = {}, identity = edge): Promise<Response> => {
    const token = await nodeTokenSource(identity, 'control', systemClock)()
    const said = { 'sluice-node': token, 'sluice-version': softwareVersion() }
    const headers = { ...said, 'content-type': 'application/json' }
    return fetch(`http://127.0.0.1:${running.port}${path}`, { ...init, headers })
  }

  beforeAll(async () => {
    const place = await emptyPlace()
    const { kty, crv, x } = joined.publicJwk
    const node = { id: joined.id, role: 'edge', public_key: { kty, crv, x }, origin: 'joined', created_at: 1 }
    const rows = each([...rowsIn(lines), { table: 'nodes', json: JSON.stringify(node) }])
    expect(await restore(place, { rows })).toEqual({ rows: rowsIn(lines).length + 1 })
    found = await contentsOf(place)
    running = await startControl({
      ...control.options(),
      dataDir: place.dataDir,
      ...(place.url !== undefined && { databaseUrl: place.url }),
      localNodes: [origin, edge].map(({ id, role, publicJwk }) => ({ id, role, publicJwk })),
      storage: { kind: 'filesystem', folder: control.storage },
    })
    after = (await (await ask('/v1/node/snapshot')).json()) as Snapshot
  })

  afterAll(() => running.close())

  it('has every row as it was, but for what has to be new', () => {
    const NEW =
      /^(meta|assets|channels|leases|nodes|invalidation_patterns|join_tokens|usage_gaps|publications .*"(preparing|queued)")/
    const others = (all: string[]): string[] => all.filter(row => !NEW.test(row)).sort()
    expect(others(found)).toEqual(others(rowsIn(lines).map(({ table, json }) => `${table} ${json}`)))
  })

  it('keeps what was counted, and names the time of which invalidations are not', () => {
    const usage = found.filter(row => row.startsWith('usage_'))
    expect(usage.filter(row => row.startsWith('usage_hours')).length).toBeGreaterThan(0)
    const gaps = usage
      .filter(row => row.startsWith('usage_gaps '))
      .map(row => JSON.parse(row.slice(11)) as object)
    expect(gaps).toEqual([
      expect.objectContaining({ node: 'control', kind: 'restored', after: 0, from: head.madeAt }),
    ])
  })

  it('says to nodes what was there, in another life of it, and keeps those that joined', async () => {
    const { distributions, keyGroups, channels, fallbackDistribution } = before
    expect(after).toMatchObject({ distributions, keyGroups, fallbackDistribution })
    const leases = after.channels.map(({ lease }) => lease)
    expect(after.channels).toEqual(channels.map((one, at) => ({ ...one, lease: leases[at] })))
    expect(Math.min(...leases)).toBeGreaterThanOrEqual(began)
    expect((await ask('/v1/node/snapshot')).headers.get('sluice-epoch')).not.toBe(epoch)
    expect(after.nodes.map(({ id }) => id).sort()).toEqual([origin.id, edge.id, joined.id].sort())
  })

  it('counts on above all that anybody has seen, and has nodes ask again for all that they hold', () => {
    // Also above what an earlier restore of the same backup has counted to.
    expect(after.sequence).toBeGreaterThanOrEqual(began)
    expect(after.version).toBeGreaterThanOrEqual(began)
    const invalidations = compileInvalidations(after.invalidations)
    for (const { id } of after.distributions)
      expect(invalidations.newest(id, '/any/path')).toBe(after.sequence)
    const versions = found.filter(row => row.startsWith('assets ')).map(row => row.slice('assets '.length))
    for (const row of versions)
      expect((JSON.parse(row) as { last_version: number }).last_version).toBeGreaterThan(1_000_000) // the table's
  })

  it('offers again what was under way, and stops channels whose stops it has forgotten', async () => {
    const lease = await ask('/v1/node/jobs/lease', { method: 'POST', body: '{"wait":5}' }, origin)
    expect(await lease.json()).toMatchObject({ attempt: 1, job: { path: '/under/way' } })
    const client = new ControlClient({ url: `http://127.0.0.1:${running.port}`, token: ADMIN })
    await client.stopChannel('/live/stage')
    const { channels } = (await (await ask('/v1/node/snapshot')).json()) as Snapshot
    expect(channels[0]?.stops).toBeGreaterThanOrEqual(began)
  })
})

describe('restoring', () => {
  let place: Place

  beforeAll(async () => {
    place = await emptyPlace()
  })

  it('refuses what a newer Sluice has written, and a clock that stands before the backup', async () => {
    const newer = restore(place, { migration: head.migration + 1 })
    await expect(newer).rejects.toMatchObject({ code: 'backup-newer' })
    const clock = { now: () => (head.madeAt - 1) as Instant } // an earlier instant
    await expect(restore(place, { clock })).rejects.toMatchObject({ code: 'early-clock' })
  })

  it('leaves an empty database where it fails', async () => {
    const bad = restore(place, { rows: each([{ table: 'meta', json: '{"id":1}' }]) })
    await expect(bad).rejects.toMatchObject({ code: 'bad-backup' })
    const full = restore(place, { beforeLast: () => Promise.reject(new Error('no room')) })
    await expect(full).rejects.toThrow('no room')
  })

  it('that was killed keeps control from starting', async () => {
    const engine = await openEngine(place.dataDir)
    await engine.executeSql('create schema sluice_restoring; create table meta (id integer)')
    await engine.close()
    const options = { ...control.options(), dataDir: place.dataDir }
    const start = startControl({ ...options, ...(place.url !== undefined && { databaseUrl: place.url }) })
    await expect(start).rejects.toMatchObject({ code: 'restore-unfinished' })
  })

  it('can be done after all that, and brings what an older version has written up to date', async () => {
    const FIRST = 1_795_305_600_000
    const rows = [
      {
        table: 'meta',
        json: '{"id":1,"epoch":"first","version":41,"sequence":5,"fallback_distribution":null}',
      },
      {
        table: 'key_groups',
        json: '{"id":"kg-first","name":"default","sha1":"accept","created_at":1}',
      },
    ]
    await restore(place, { migration: FIRST, madeAt: 1, rows: each(rows) })
    const [gap, counters, group, ...more] = (await contentsOf(place)).sort().reverse()
    // What control counted itself since the backup is not to be had any more.
    expect([gap?.slice(0, 12), counters?.slice(0, 12), group, more]).toEqual([
      'usage_gaps {',
      'meta {"id":1',
      'key_groups {"id":"kg-first","name":"default","sha1":"accept","created_at":1,"without_resource":"refuse"}',
      [],
    ])
  })

  it('overwrites nothing', async () => {
    await expect(restore(place)).rejects.toMatchObject({ code: 'database-not-empty' })
    expect(await contentsOf(place)).toHaveLength(3)
  })
})

it('a restore leaves alone what somebody else has in the database', async () => {
  const place = await emptyPlace()
  const ask = async (text: string): Promise<Record<string, unknown>[]> => {
    const engine = await openEngine(place.dataDir)
    try {
      return (await engine.executeSql(text)).rows
    } finally {
      await engine.close()
    }
  }
  await ask(`create table tokens (mine text); insert into tokens values ('dear')`)
  await expect(restore(place)).rejects.toMatchObject({ code: 'database-not-empty' })
  expect(await ask('select mine from tokens')).toEqual([{ mine: 'dear' }])
  expect(await ask(`select to_regnamespace('sluice_restoring') as mark`)).toEqual([{ mark: null }])
})

it('the sum of the lines is that of their bytes', async () => {
  let text = ''
  for await (const chunk of control.client.backup()) text += Buffer.from(chunk).toString()
  const cut = text.lastIndexOf('\n', text.length - 2) + 1
  const sha256 = createHash('sha256').update(text.slice(0, cut)).digest('hex')
  expect(JSON.parse(text.slice(cut))).toEqual({ end: { sha256 } })
})
