// needs: initdb [postgresql]
// needs: postgres [postgresql]
// needs: ps [procps]
// needs: setpriv [util-linux]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  listAssets,
  openDatabase,
  readMeta,
  type Database,
  type Tx,
} from '../../src/control/database/index.ts'
import { startControl } from '../../src/control/index.ts'
import { systemClock } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { followSnapshot, join as joinControl, Membership, reportHealth } from '../../src/membership/index.ts'
import { hearEdges, type HearOptions } from '../../src/router/hear-edges.ts'
import { Latencies } from '../../src/routing/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from '../control/database-under-test.ts'
import { ADMIN, ControlFixture, PACKAGED, until } from '../control/fixture.ts'
import { ROOT } from '../house/tree.ts'
import { startPostgres, type Postgres } from './postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
let server: Postgres

beforeAll(async () => {
  server = await startPostgres(folder)
  process.env['SLUICE_TEST_POSTGRES'] = server.url
})

afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** By the server's own superuser, past all that Sluice does. */
async function byHand(url: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

it('passes what PGlite passes', () => {
  const suites = [
    'database-engine',
    'silence',
    'migration',
    'api',
    'assets',
    'jobs',
    'uploads',
    'snapshot',
    'restart',
  ]
  const more = [
    ...['backups', 'keepers', 'nodes', 'channels', 'channel-states', 'private-content'],
    'explain-tokens',
  ]
  const files = [...suites, ...more].map(name => `test/control/${name}.test.ts`)
  const run = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--reporter=dot', ...files],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, SLUICE_TEST_POSTGRES: server.url },
    },
  )
  expect(run.status, `${run.stdout}\n${run.stderr}`).toBe(0)
}, 300_000)

describe('a start', () => {
  const start = async (url: string): Promise<Error> => {
    const database = await openDatabase({
      url,
      dataDir: folder,
      clock: systemClock,
      onError: () => {},
    }).catch((error: Error) => error)
    if (database instanceof Error) return database
    await database.close()
    throw new Error('it was opened')
  }
  const changed = (change: (url: URL) => void): string => {
    const url = new URL(server.url)
    change(url)
    return url.href
  }

  it('says in a sentence what is wrong, without the password', async () => {
    const { port } = new URL(server.url)
    const CASES: [string, string, RegExp][] = [
      [
        changed(url => (url.port = '1')),
        'database-away',
        /^the database "postgres" on 127\.0\.0\.1:1 cannot be reached \(connect ECONNREFUSED .*\): check that PostgreSQL runs/,
      ],
      [
        changed(url => (url.password = 'hush')),
        'database-away',
        new RegExp(
          `^the database "postgres" on 127\\.0\\.0\\.1:${port} cannot be reached \\(password authentication failed .*\\): check the user and the password`,
        ),
      ],
      [
        changed(url => (url.pathname = '/none')),
        'database-away',
        /"none" does not exist\): make the database with createdb/,
      ],
      ['postgres://sluice:hush@[/x', 'bad-database-url', /^DATABASE_URL cannot be read: write postgres:/],
    ]
    for (const [url, code, sentence] of CASES) {
      const error = await start(url)
      expect(error).toMatchObject({ code })
      expect(error.message).toMatch(sentence)
      expect(`${error.message} ${error.stack}`).not.toMatch(/hush|p@ss|p%40ss/)
    }
  })

  it('may coincide with others on an empty database', async () => {
    const dataDir = join(folder, 'together')
    await makeEmptyDatabase(dataDir)
    const options = { url: databaseUrlOf(dataDir), dataDir, clock: systemClock, onError: () => {} }
    const all = await Promise.all([1, 2, 3].map(() => openDatabase(options)))
    const epochs = await Promise.all(all.map(database => database.read(readMeta)))
    expect(new Set(epochs.map(({ epoch }) => epoch)).size).toBe(1)
    await Promise.all(all.map(database => database.close()))
    const rows = await byHand(options.url, 'select count(*)::int as count from drizzle.__drizzle_migrations')
    const journal = join(ROOT, 'src/control/database/migrations/meta/_journal.json')
    const { entries } = JSON.parse(readFileSync(journal, 'utf8')) as { entries: unknown[] } // drizzle's own
    expect(rows).toEqual([{ count: entries.length }])
  })

  it('waits for one that is migrating, and so do writers', async () => {
    const dataDir = join(folder, 'waiting')
    await makeEmptyDatabase(dataDir)
    const options = { url: databaseUrlOf(dataDir), dataDir, clock: systemClock, onError: () => {} }
    const first = await openDatabase(options)
    const migrating = new Client(options.url)
    await migrating.connect()
    await migrating.query(`select pg_advisory_lock(${0x736c_7569})`)
    const order: string[] = []
    const second = openDatabase(options).then(database => {
      order.push('started')
      return database
    })
    const writing = first.transaction(tx => tx.bump()).then(() => order.push('written'))
    const blocked = `select 1 from pg_locks where locktype = 'advisory' and not granted and objid = ${0x736c_7569}`
    await until('the writer waits', async () => (await byHand(options.url, blocked)).length > 0)
    expect(order).toEqual([])
    await migrating.end()
    await Promise.all([writing, (await second).close()])
    expect(order.sort()).toEqual(['started', 'written'])
    await first.close()
  })
})

describe('numbers of two connections', () => {
  let one: Database
  let other: Database

  beforeAll(async () => {
    const dataDir = join(folder, 'numbers')
    await makeEmptyDatabase(dataDir)
    const options = { url: databaseUrlOf(dataDir), dataDir, clock: systemClock, onError: () => {} }
    one = await openDatabase(options)
    other = await openDatabase(options)
  })

  afterAll(async () => {
    await one.close()
    await other.close()
  })

  it('come in the order of commits: who is second waits, and nobody sees the first before its change', async () => {
    const { version, sequence } = await one.read(readMeta)
    const gate = barrier()
    const begun = barrier()
    const first = one.transaction(async tx => {
      const numbers = [await tx.bump(), await tx.nextSequence()]
      begun.open()
      await gate.opened
      return numbers
    })
    await begun.opened
    const order: string[] = []
    const second = other.transaction(async tx => {
      order.push('second')
      return [await tx.bump(), await tx.nextSequence()]
    })
    await until('the second waits', async () => {
      const waiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
      return (await byHand(databaseUrlOf(join(folder, 'numbers')), waiting)).length > 0
    })
    expect(order).toEqual([])
    expect(await other.read(readMeta)).toMatchObject({ version, sequence })
    gate.open()
    expect(await first).toEqual([version + 1, sequence + 1])
    expect(await second).toEqual([version + 2, sequence + 2])
  })

  it('leave none out and give none twice, and whoever reads one has all before it', async () => {
    const insert = (tx: Tx, number: number): Promise<unknown> =>
      tx.executeSql(
        `insert into assets (id, path, last_version, renditions, state, created_at, updated_at)
        values ($1, $1, 1, '[]', 'present', 1, 1)`,
        [`/n${number}`],
      )
    const write = async (tx: Tx): Promise<number> => {
      const number = await tx.bump()
      await insert(tx, number)
      return number
    }
    const { version: from } = await one.read(readMeta)
    let writing = true
    const looks: string[] = []
    const looking = (async () => {
      while (writing) {
        const [version, there] = await other.read(async tx => [
          (await readMeta(tx)).version,
          (await listAssets(tx, undefined)).length,
        ])
        if (there !== (version ?? 0) - from) looks.push(`at ${version} there were ${there}`)
      }
    })()
    const numbers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => (at % 2 ? one : other).transaction(write)),
    )
    writing = false
    await looking
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, at) => from + 1 + at))
    expect(looks).toEqual([])
  })
})

describe('two controls that other machines reach', () => {
  let controls: [ControlFixture, ControlFixture]

  beforeEach(async () => {
    const one = await ControlFixture.open({ pulse: 200 })
    const other = await one.beside()
    for (const each of [one, other]) {
      each.reach = { url: `https://127.0.0.1:${each.running.port}`, names: ['127.0.0.1'] }
      await each.restart()
    }
    controls = [one, other]
  })

  afterEach(async () => {
    const [one, other] = controls
    await other.running.close()
    await one.end()
  })

  const urlOf = ({ reach }: ControlFixture): string => reach?.url ?? ''

  it('are known to a node that one of them let in; it goes on with the other, and both show how it does', async () => {
    const [one, other] = controls
    const { token } = await one.client.createJoinToken({ role: 'edge', pop: 'fra1', ttlSeconds: 60 })
    const files = mkdtempSync(join(folder, 'node-'))
    const [identityFile, membershipFile] = [join(files, 'node.json'), join(files, 'member.json')]
    const { identity, membership } = await joinControl({
      ...{ token, role: 'edge', url: null, identityFile, membershipFile },
    })
    const place = { controlUrl: '', membership, identity, log: silentLogger }
    const follower = followSnapshot({ ...place, stateDir: files, apply: () => {} })
    const health = reportHealth({
      ...{ ...place, metrics: createMetrics('edge'), everyMs: 100 },
      ...{ snapshot: () => follower.current(), totals: () => ({ requests: 0, bytes: 0 }), busy: () => 7 },
    })
    const shownBy = async (control: ControlFixture, what: object): Promise<void> =>
      until('it is shown', async () => {
        const node = (await control.client.nodes()).find(({ id }) => id === identity.id)
        return Object.entries(what).every(([name, value]) => node?.[name as keyof typeof node] === value) // of `what`
      })
    try {
      await follower.started
      const both = [urlOf(one), ...[urlOf(one), urlOf(other)].filter(url => url !== urlOf(one))]
      await until('it knows both', () => Membership.read(membershipFile)?.controls.length === 2)
      expect(Membership.read(membershipFile)?.controls).toEqual(both)
      // It speaks to the first alone.
      for (const each of controls)
        await shownBy(each, { state: 'live', busy: 7, version: follower.current()?.version })
      await one.running.close()
      const { snapshotVersion } = await other.client.createChannel({ path: '/live/after' })
      const { acknowledged } = await other.client.acknowledged(snapshotVersion, { waitSeconds: 5 })
      expect(acknowledged.map(({ id }) => id)).toContain(identity.id)
      await shownBy(other, { state: 'live', sequence: follower.current()?.sequence })
      await one.open(Number(new URL(urlOf(one)).port))
      await shownBy(one, { state: 'live', busy: 7, version: snapshotVersion })
    } finally {
      await health.close()
      await follower.close()
    }
  }, 60_000)

  it('tell routers of both what edges of either have measured', async () => {
    const joined = async (control: ControlFixture, role: 'edge' | 'router'): Promise<Joined> => {
      const { token } = await control.client.createJoinToken({ role, pop: 'fra1', ttlSeconds: 60 })
      const files = mkdtempSync(join(folder, 'node-'))
      const [identityFile, membershipFile] = [join(files, 'node.json'), join(files, 'member.json')]
      const { identity, membership } = await joinControl({
        ...{ token, role, url: null, identityFile, membershipFile },
      })
      return { controlUrl: '', membership, identity, clock: systemClock }
    }
    const [one, other] = controls
    const [edge, router] = [await joined(one, 'edge'), await joined(other, 'router')]
    const latencies = new Latencies()
    const news = [{ network: '192.0.2.0/24', milliseconds: 7 }]
    const health = reportHealth({
      ...{ ...edge, log: silentLogger, metrics: createMetrics('edge'), everyMs: 100 },
      ...{ snapshot: () => undefined, totals: () => ({ requests: 0, bytes: 0 }), busy: () => 0 },
      latencies: { news: () => news.slice(), told: () => void news.splice(0) },
    })
    const hearing = hearEdges({ ...router, latencies, every: 100 })
    try {
      const at = (): unknown => latencies.of('192.0.2.0/24', systemClock.now())?.get(edge.identity.id)
      await until('the router of the other control knows it', () => at() === 7)
      news.push({ network: '192.0.2.0/24', milliseconds: 9 })
      await until('and what is newer', () => at() === 9)
    } finally {
      await hearing.close()
      await health.close()
    }
  }, 60_000)

  it('forget one that was not there for a week', async () => {
    const [one, other] = controls
    const database = databaseUrlOf(one.options().dataDir)
    const known = async (): Promise<string[] | undefined> =>
      ((await (await snapshotOf(other)).json()) as Snapshot).controls // our own server's
    expect((await known())?.sort()).toEqual([urlOf(one), urlOf(other)].sort())
    await byHand(database, `update controls set seen_at = seen_at - 8 * 86400000 where url = '${urlOf(one)}'`)
    await other.restart()
    expect(await known()).toEqual([urlOf(other)])
    await one.restart()
    expect((await known())?.length).toBe(2)
  }, 60_000)
})

interface Joined extends Pick<HearOptions, 'controlUrl' | 'identity' | 'clock'> {
  membership: Membership
}

async function snapshotOf(asked: ControlFixture, known?: number, wait = 0): Promise<Response> {
  return asked.asNode(asked.edge, `/v1/node/snapshot?wait=${wait}`, {
    headers: known === undefined ? {} : { 'if-none-match': `"${known}"` },
  })
}

describe('two controls on one database', () => {
  let control: ControlFixture
  let other: ControlFixture

  beforeEach(async () => {
    // Nobody looks without being told.
    control = await ControlFixture.open({ pulse: 3_600_000 })
    other = await control.beside()
  })

  afterEach(async () => {
    await other.running.close()
    await control.end()
  })

  const database = (): string | undefined => databaseUrlOf(control.options().dataDir)

  /** A node that follows one of them until it is stopped, and applies at once. */
  function follow(
    asked: ControlFixture,
    identity = asked.edge,
  ): { versions: number[]; stop(): Promise<void> } {
    const stop = new AbortController()
    const versions: number[] = []
    const following = (async () => {
      while (!stop.signal.aborted) {
        const headers: Record<string, string> =
          versions.length === 0 ? {} : { 'if-none-match': `"${versions.at(-1)}"` }
        try {
          const { signal } = stop
          const response = await asked.asNode(identity, '/v1/node/snapshot?wait=25', { headers, signal })
          if (response.status === 200) versions.push(((await response.json()) as Snapshot).version) // our own server's
        } catch {
          // Told to stop, or its control has gone.
        }
      }
    })()
    return {
      versions,
      stop() {
        stop.abort()
        return following
      },
    }
  }

  it('wake each others’ long polls: the snapshot', async () => {
    const { version } = (await (await snapshotOf(control)).json()) as Snapshot // our own server's
    for (const [asked, changed] of [
      [control, other],
      [other, control],
    ] as const) {
      const known = ((await (await snapshotOf(asked)).json()) as Snapshot).version // our own server's
      const waiting = snapshotOf(asked, known, 20)
      const { snapshotVersion } = await changed.client.invalidate({ paths: ['/x'] })
      const told = (await (await waiting).json()) as Snapshot // our own server's
      expect(told.version).toBe(snapshotVersion)
      expect(told.invalidations).toEqual([
        expect.objectContaining({ pattern: '/x', sequence: told.sequence }),
      ])
    }
    expect(((await (await snapshotOf(other)).json()) as Snapshot).version).toBe(version + 2) // our own server's
  })

  it('wake each others’ long polls: jobs and publications', async () => {
    const leasing = other.lease(20)
    const publication = await control.upload('/film')
    const lease = await leasing
    expect(lease?.job).toMatchObject({ kind: 'package', path: '/film' })
    const watching = control.client.publication(publication.id, { waitSeconds: 20 })
    const finish = { attempt: lease?.attempt, result: PACKAGED }
    expect((await other.post(other.origin, `/v1/node/jobs/${lease?.job.id}/finish`, finish)).status).toBe(200)
    await watching
    expect((await control.client.publication(publication.id)).state).toBe('ready')
  })

  it('wait for nodes of both, whichever is asked', async () => {
    const nodes = [follow(control, control.origin), follow(other, other.edge)]
    try {
      await until('both have begun', () => nodes.every(({ versions }) => versions.length > 0))
      const all = [control.edge.id, control.origin.id].sort()
      for (const asked of [control, other, control, other]) {
        const { snapshotVersion } = await asked.client.invalidate({ paths: ['/both'] })
        const state = await asked.client.acknowledged(snapshotVersion, { waitSeconds: 5 })
        expect(state.acknowledged.map(({ id }) => id).sort()).toEqual(all)
        expect(state.missing).toEqual([])
      }
      const states = (await other.client.nodes()).map(({ role, state, version }) => [role, state, version])
      expect(states).toHaveLength(2)
      for (const [, state, version] of states)
        expect([state, version]).toEqual(['live', nodes[0]?.versions.at(-1)])
    } finally {
      await Promise.all(nodes.map(node => node.stop()))
    }
  })

  it('name a node of the other that has not applied a change', async () => {
    const node = follow(other, other.edge)
    await until('it has begun', () => node.versions.length > 0)
    await node.stop()
    const { snapshotVersion } = await control.client.invalidate({ paths: ['/missing'] })
    expect((await control.client.acknowledged(snapshotVersion)).missing).toContain(other.edge.id)
    // It comes back to the other one.
    const back = follow(control, control.edge)
    await until('the other control hears of it', async () => {
      const { acknowledged } = await other.client.acknowledged(snapshotVersion)
      return acknowledged.some(({ id }) => id === control.edge.id)
    })
    await back.stop()
  })

  it('hear of what was committed while the connection that listens was lost', async () => {
    const { version } = (await (await snapshotOf(other)).json()) as Snapshot // our own server's
    const waiting = snapshotOf(other, version, 20)
    // Nobody is told of it, as when it was committed before the connection is there again.
    await byHand(database(), 'update meta set version = version + 1')
    await byHand(
      database(),
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen sluice'`,
    )
    expect(((await (await waiting).json()) as Snapshot).version).toBe(version + 1) // our own server's
    const next = snapshotOf(other, version + 1, 20)
    const after = await control.client.invalidate({ paths: ['/found'] })
    expect(after.snapshotVersion).toBe(version + 2)
    expect(((await (await next).json()) as Snapshot).version).toBe(version + 2) // our own server's
  })

  it('go on when one of them ends', async () => {
    await other.running.close()
    await control.publishReady('/alone')
    expect((await control.client.assets('/alone')).map(({ state }) => state)).toEqual(['ready'])
    await other.open()
    expect((await other.client.assets('/alone')).map(({ state }) => state)).toEqual(['ready'])
  })
})

describe('a control that was told nothing', () => {
  let control: ControlFixture

  beforeAll(async () => {
    control = await ControlFixture.open({ pulse: 100 })
  })

  afterAll(() => control.end())

  const database = (): string | undefined => databaseUrlOf(control.options().dataDir)

  it('finds a change all the same', async () => {
    const { version } = (await (await snapshotOf(control)).json()) as Snapshot // our own server's
    const waiting = snapshotOf(control, version, 20)
    await byHand(database(), 'update meta set version = version + 1')
    expect(((await (await waiting).json()) as Snapshot).version).toBe(version + 1) // our own server's
  })

  it('does nothing once a newer Sluice has upgraded the database', async () => {
    await byHand(
      database(),
      `insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9000000000000)`,
    )
    await expect(control.client.invalidate({ paths: ['/no'] })).rejects.toMatchObject({
      code: 'database-newer',
      message: expect.stringContaining('made by a newer Sluice') as string,
    })
    await until('reading is refused too', async () =>
      control.client.assets().then(
        () => false,
        (error: { code?: string }) => error.code === 'database-newer',
      ),
    )
    expect((await snapshotOf(control)).status).toBe(200)
    await expect(startControl(control.options())).rejects.toMatchObject({ code: 'database-newer' })
    await byHand(database(), `delete from drizzle.__drizzle_migrations where hash = 'future'`)
    await until('it is let in again', async () =>
      control.client.assets().then(
        () => true,
        () => false,
      ),
    )
  })
})

describe('a server that goes away', () => {
  let control: ControlFixture
  let other: ControlFixture

  beforeAll(async () => {
    control = await ControlFixture.open()
    other = await control.beside()
  })

  afterAll(async () => {
    await other.running.close()
    await control.end()
  })

  /** The client tries again what is 503; this does not. */
  const listing = (): Promise<Response> =>
    fetch(`${control.url}/v1/key-groups`, { headers: { authorization: `Bearer ${ADMIN}` } })

  it('makes requests fail with a reason, leaves long polls waiting, and everything goes on when it is back', async () => {
    await control.upload('/waits')
    const { version } = (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as Snapshot // our own server's
    const headers = { 'if-none-match': `"${version}"` }
    const polling = control.asNode(control.edge, '/v1/node/snapshot?wait=25', { headers })
    await server.stop()
    const refused = await listing()
    expect(refused.status).toBe(503)
    expect(await refused.json()).toEqual({
      error: {
        code: 'database-away',
        message: expect.stringMatching(
          /^the database "t[0-9a-f]+" on 127\.0\.0\.1:\d+ (cannot be reached|went away)/,
        ) as string,
      },
    })
    expect((await control.asNode(control.edge, '/v1/node/snapshot')).status).toBe(200)
    const leasing = control.lease(25)
    await expect(startControl(control.options())).rejects.toMatchObject({ code: 'database-away' })
    await server.start()
    expect((await leasing)?.job).toMatchObject({ path: '/waits' })
    await until('requests are served', async () => (await listing()).status === 200)
    const { snapshotVersion } = await other.client.invalidate({ paths: ['/after'] })
    const told = (await (await polling).json()) as Snapshot // our own server's
    expect(told.version).toBe(snapshotVersion)
  })

  it('is noticed when it falls silent', async () => {
    server.freeze('frozen')
    try {
      expect((await listing()).status).toBe(503)
    } finally {
      server.freeze('thawed')
    }
    await until('requests are served', async () => (await listing()).status === 200)
    // What was asked while it was silent may fail a while longer.
    const goesOn = (work: Promise<unknown>): Promise<boolean> =>
      work.then(
        () => true,
        () => false,
      )
    await until('a film is taken', () => goesOn(control.upload('/thawed')))
    await until('its job is leased', async () => (await other.lease())?.job.path === '/thawed')
  }, 60_000)
})

function barrier(): { opened: Promise<void>; open(): void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open: () => open() }
}
