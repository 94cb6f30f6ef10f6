import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GetDistributionCommand } from '@aws-sdk/client-cloudfront'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as tables from '../../src/control/database/tables.ts'
import type { DistributionId, KeyGroupId } from '../../src/core/index.ts'
import { DEFAULT_WIRE, firstDistribution, readSnapshot } from '../../src/distribution/index.ts'
import { acknowledge } from './cloudfront/control-under-test.ts'
import { cloudFrontOf } from './cloudfront/sdk.ts'
import { openEngine } from './database-under-test.ts'
import { ControlFixture } from './fixture.ts'

const MIGRATIONS = fileURLToPath(new URL('../../src/control/database/migrations', import.meta.url))

const OLD_ID = 'EOLD0000000002' as DistributionId // a test's

interface Journal {
  entries: { idx: number; tag: string; when: number }[]
}

let journal: Journal
let control: ControlFixture

beforeAll(async () => {
  journal = JSON.parse(await readFile(join(MIGRATIONS, 'meta/_journal.json'), 'utf8')) as Journal // drizzle's own file
  control = await ControlFixture.open({}, makeFirst)
})

afterAll(() => control.end())

/** A database as the first version left it: its migration alone, a film, a key group. */
function makeFirst(dataDir: string): Promise<void> {
  return makeOld(
    dataDir,
    1,
    `
      insert into meta (id, epoch, version, sequence) values (1, 'first-life', 41, 5);
      insert into key_groups (id, name, sha1, created_at) values ('kg-first', 'default', 'accept', 1);
      insert into assets (id, path, last_version, current_version, renditions, state, created_at, updated_at)
        values ('a1', '/members/talk', 1, 1, '[]', 'present', 1, 1);`,
  )
}

/** A database as an older version left it: of its first migrations, with what that version wrote. */
async function makeOld(dataDir: string, migrations: number, contents: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  const entries = journal.entries.slice(0, migrations)
  await mkdir(join(folder, 'meta'))
  await writeFile(join(folder, 'meta/_journal.json'), JSON.stringify({ ...journal, entries }))
  for (const { tag } of entries)
    await writeFile(join(folder, `${tag}.sql`), await readFile(join(MIGRATIONS, `${tag}.sql`)))
  const engine = await openEngine(dataDir)
  try {
    await engine.migrate(folder)
    await engine.executeSql(contents)
  } finally {
    await engine.close()
    await rm(folder, { recursive: true })
  }
}

describe('a database of the version before channels', () => {
  it('is brought up to date with all that was in it', async () => {
    expect((await control.client.assets()).map(each => each.path)).toEqual(['/members/talk'])
    expect((await control.client.keyGroups()).map(each => each.id)).toEqual(['kg-first'])
    const response = await control.asNode(control.edge, '/v1/node/snapshot')
    expect(response.headers.get('sluice-epoch')).toBe('first-life')
    expect(await response.json()).toMatchObject({ channels: [], sequence: 5 })
    const { channel, snapshotVersion } = await control.client.createChannel({ path: '/live/stage' })
    expect(snapshotVersion).toBeGreaterThan(41)
    expect((await control.client.channels()).map(each => each.id)).toEqual([channel.id])
  })
})

describe('a database of the version before access keys', () => {
  it('keeps its tokens, which have none', async () => {
    const old = await ControlFixture.open({}, dataDir =>
      makeOld(
        dataDir,
        8,
        `
          insert into meta (id, epoch, version, sequence) values (1, 'old-life', 7, 0);
          insert into tokens (id, name, sha256, scopes, created_at) values ('T1', 'ci', 'aa', '["purge"]', 1);`,
      ),
    )
    try {
      const [token, ...others] = await old.client.tokens()
      expect([token?.name, token?.accessKeyId, others]).toEqual(['ci', null, []])
      await old.client.createToken({ name: 'new', scopes: ['read'] })
      await old.client.deleteToken('T1')
      expect((await old.client.tokens()).map(each => each.name)).toEqual(['new'])
    } finally {
      await old.end()
    }
  })
})

describe('a database of the version before CloudFront’s documents', () => {
  it('shows its distributions there, deployed, and as they are', async () => {
    const at = journal.entries.findIndex(({ tag }) => tag.endsWith('_cloudfront_documents'))
    const definition = JSON.stringify(firstDistribution(OLD_ID, 'cdn.localhost', 'kg-old' as KeyGroupId)) // a test's
    const old = await ControlFixture.open({}, dataDir =>
      makeOld(
        dataDir,
        at,
        `
          insert into meta (id, epoch, version, sequence) values (1, 'old-life', 7, 0);
          insert into key_groups (id, name, sha1, created_at) values ('kg-old', 'default', 'accept', 1);
          insert into distributions (id, definition, created_at) values ('${OLD_ID}', '${definition}', 1);`,
      ),
    )
    try {
      await acknowledge(old)
      const token = await old.client.createToken({ name: 'reader', scopes: ['read'] })
      const answer = await cloudFrontOf(old.url, token).send(new GetDistributionCommand({ Id: OLD_ID }))
      expect(answer.Distribution).toMatchObject({
        ...{ Id: OLD_ID, Status: 'Deployed', DomainName: `${OLD_ID.toLowerCase()}.cdn.localhost` },
        DistributionConfig: {
          CallerReference: OLD_ID,
          Origins: { Items: [{ DomainName: 'origin.sluice.internal' }] },
          CacheBehaviors: { Quantity: 2 },
        },
      })
    } finally {
      await old.end()
    }
  })
})

describe('a database of the version before functions ran', () => {
  it('keeps those that were stored, at both stages', async () => {
    const at = journal.entries.findIndex(({ tag }) => tag.endsWith('_functions'))
    const stage = (code: string, revision: number): object => ({
      config: { Comment: 'kept', Runtime: 'cloudfront-js-1.0' },
      ...{
        code: Buffer.from(code).toString('base64'),
        createdAt: 5,
        modifiedAt: 1_795_800_000_000,
        revision,
      },
    })
    const kept = JSON.stringify({ development: stage('new', 3), live: stage('old', 2) })
    const other = JSON.stringify({ development: stage('new', 1) })
    const old = await ControlFixture.open({}, dataDir =>
      makeOld(
        dataDir,
        at,
        `
          insert into meta (id, epoch, version, sequence) values (1, 'old-life', 7, 0);
          insert into cloudfront_documents (kind, id, name, config, revision, tags, created_at, modified_at) values
            ('Function', 'rewrite', 'rewrite', '${kept}', 4, '{}', 5, 6),
            ('Function', 'unpublished', 'unpublished', '${other}', 1, '{}', 5, 6);`,
      ),
    )
    try {
      const shown = {
        ...{ runtime: 'cloudfront-js-1.0', comment: 'kept', bytes: 3, store: null, hosts: [] },
        modifiedAt: new Date(1_795_800_000_000).toISOString(),
      }
      expect(await old.client.functions()).toMatchObject([
        { name: 'rewrite', development: shown, live: shown, changed: true },
        { name: 'unpublished', development: shown, live: null },
      ])
      const { client } = old
      expect(await client.functionCode('rewrite')).toBe('new')
      expect(await client.functionCode('rewrite', 'live')).toBe('old')
      expect(await client.functionCode('unpublished')).toBe('new')
      await client.deleteFunction('unpublished')
      expect(await client.functionCode('rewrite')).toBe('new')
    } finally {
      await old.end()
    }
  })
})

/** As version 0.2.0 wrote it: open and gated behaviours without words for private content. */
const OLD_RULE = {
  originId: 'built-in',
  ttl: { minimum: 0, default: 86_400, maximum: 31_536_000 },
  viewerProtocol: 'allow-all',
  query: 'none',
  corsOrigins: [],
}
const OLD = {
  id: 'EOLD0000000001',
  domain: 'eold0000000001.cdn.localhost',
  aliases: [],
  enabled: true,
  comment: 'made at first start',
  origins: [{ id: 'built-in', kind: 'built-in' }],
  behaviours: [
    { pattern: '/members/*', gate: { keyGroups: ['kg-old'] }, ...OLD_RULE },
    { pattern: '/live/*', gate: null, ...OLD_RULE },
    { pattern: '*', gate: null, ...OLD_RULE },
  ],
}

describe('a database of the version before private content', () => {
  it('keeps its distribution, whose behaviours are as closed and as open as before', async () => {
    const old = await ControlFixture.open({}, dataDir =>
      makeOld(
        dataDir,
        2,
        `
          insert into meta (id, epoch, version, sequence, fallback_distribution)
            values (1, 'old-life', 7, 0, 'EOLD0000000001');
          insert into key_groups (id, name, sha1, created_at) values ('kg-old', 'default', 'refuse', 1);
          insert into distributions (id, definition, created_at)
            values ('EOLD0000000001', '${JSON.stringify(OLD)}', 1);`,
      ),
    )
    try {
      const snapshot = (await (await old.asNode(old.edge, '/v1/node/snapshot')).json()) as Followed
      const rule = { ...OLD_RULE, carry: 'none', headers: [], ...UNCHANGED }
      expect(snapshot.distributions).toEqual([
        {
          ...OLD,
          behaviours: [
            { pattern: '/members/*', gate: { keyGroups: ['kg-old'], issuers: [] }, ...rule },
            { pattern: '/live/*', gate: null, ...rule },
            { pattern: '*', gate: null, ...rule },
          ],
          errors: [],
        },
      ])
      expect(readSnapshot(snapshot)).toEqual(snapshot)
      expect(snapshot.keyGroups).toEqual([
        { id: 'kg-old', name: 'default', keys: [], sha1: 'refuse', withoutResource: 'refuse' },
      ])
      // Nodes that stored the old one are told.
      expect(snapshot.version).toBeGreaterThan(7)
      const [shown] = await old.client.distributions()
      expect((await old.client.replaceDistribution(OLD.id, shown ?? {})).distribution).toEqual(shown)
    } finally {
      await old.end()
    }
  })
})

/** What a behaviour of then says of what there was not: as it was, nothing of a viewer's goes anywhere. */
const UNCHANGED = { forward: 'none', cookies: 'none', methods: 'read', compress: true }

describe('a database of the version before origins of any kind were written to', () => {
  it('keeps what origins are told, in order, and tells them no more', async () => {
    const rule = { ...OLD_RULE, carry: 'none', headers: ['accept-language'], query: ['page'] }
    const site = { id: 'site', kind: 'http', url: 'https://site.example', headers: [] }
    const bucket = {
      ...{ id: 'films', kind: 's3', endpoint: 'http://store.example', bucket: 'films', region: 'us-east-1' },
      ...{ addressing: 'path', path: '', access: null },
    }
    const before = {
      ...OLD,
      origins: [site, bucket, ...OLD.origins],
      behaviours: [
        { pattern: '/films/*', gate: null, ...rule, originId: 'films' },
        { pattern: '/members/*', gate: { keyGroups: ['kg-old'], issuers: [] }, ...rule, originId: 'site' },
        { pattern: '*', gate: null, ...rule },
      ],
    }
    const old = await ControlFixture.open({}, dataDir =>
      makeOld(
        dataDir,
        3,
        `
          insert into meta (id, epoch, version, sequence, fallback_distribution)
            values (1, 'old-life', 7, 0, 'EOLD0000000001');
          insert into key_groups (id, name, sha1, without_resource, created_at)
            values ('kg-old', 'default', 'refuse', 'refuse', 1);
          insert into distributions (id, definition, created_at)
            values ('EOLD0000000001', '${JSON.stringify(before)}', 1);`,
      ),
    )
    try {
      const snapshot = (await (await old.asNode(old.edge, '/v1/node/snapshot')).json()) as Followed
      expect(snapshot.distributions).toEqual([
        {
          ...before,
          origins: [{ ...site, ...DEFAULT_WIRE }, bucket, ...OLD.origins],
          behaviours: before.behaviours.map(each => ({ ...each, ...UNCHANGED })),
          errors: [],
        },
      ])
      expect(readSnapshot(snapshot)).toEqual(snapshot)
      expect(snapshot.version).toBeGreaterThan(7)
      const [shown] = await old.client.distributions()
      expect((await old.client.replaceDistribution(OLD.id, shown ?? {})).distribution).toEqual(shown)
    } finally {
      await old.end()
    }
  })
})

interface Followed {
  version: number
  distributions: object[]
  keyGroups: object[]
}

describe('the migrations', () => {
  it('are in the order of their times, each with its snapshot, which names the one before', async () => {
    let before = '00000000-0000-0000-0000-000000000000'
    let when = 0
    for (const [at, entry] of journal.entries.entries()) {
      expect(entry.idx).toBe(at)
      expect(entry.when).toBeGreaterThan(when)
      const name = `meta/${entry.tag.slice(0, 4)}_snapshot.json`
      const snapshot = JSON.parse(await readFile(join(MIGRATIONS, name), 'utf8')) as Snapshot // drizzle's own file
      expect(snapshot.prevId).toBe(before)
      before = snapshot.id
      when = entry.when
    }
  })

  it('make the tables that the code works with, and the newest snapshot describes them', async () => {
    const tag = journal.entries.at(-1)?.tag.slice(0, 4)
    const text = await readFile(join(MIGRATIONS, `meta/${tag}_snapshot.json`), 'utf8')
    const described = (JSON.parse(text) as Snapshot).tables // drizzle's own file
    await control.running.close()
    const engine = await openEngine(control.options().dataDir)
    const { rows } = await engine.executeSql(
      `select table_name, column_name, data_type, is_nullable from information_schema.columns where table_schema = 'public' order by 1, 2`,
    )
    const keys = await engine.executeSql(
      `select constraint_name from information_schema.table_constraints where table_schema = 'public' and constraint_type in ('UNIQUE', 'FOREIGN KEY') order by 1`,
    )
    await engine.close()
    await control.open()
    const there = rows.map(
      row =>
        `${String(row['table_name'])}.${String(row['column_name'])} ${String(row['data_type'])} ${String(row['is_nullable'])}`,
    )
    const configs = Object.values(tables).map(table => getTableConfig(table as PgTable)) // the file has tables only
    const wanted = configs.flatMap(({ name, columns }) =>
      columns.map(each => `${name}.${each.name} ${each.getSQLType()} ${each.notNull ? 'NO' : 'YES'}`),
    )
    expect(there.sort()).toEqual(wanted.sort())
    const ofSnapshot = Object.values(described).flatMap(({ name, columns }) =>
      Object.values(columns).map(each => `${name}.${each.name} ${each.type} ${each.notNull ? 'NO' : 'YES'}`),
    )
    expect(ofSnapshot.sort()).toEqual(wanted.sort())
    const named = Object.values(described).flatMap(({ foreignKeys, uniqueConstraints }) => [
      ...Object.keys(foreignKeys),
      ...Object.keys(uniqueConstraints),
    ])
    expect(keys.rows.map(row => row['constraint_name'])).toEqual(named.sort())
  })
})

interface Snapshot {
  id: string
  prevId: string
  tables: Record<
    string,
    {
      name: string
      columns: Record<string, { name: string; type: string; notNull: boolean }>
      foreignKeys: object
      uniqueConstraints: object
    }
  >
}
