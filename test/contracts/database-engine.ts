import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openQueue } from '../../src/control/database/queue.ts'
import { SHARED, type Engine } from '../../src/control/database/engine.ts'
import { bringUpToDate } from '../../src/control/database/migrate.ts'
import { meta } from '../../src/control/database/tables.ts'
import type { AssetId } from '../../src/core/index.ts'

/** An engine under test on a database with nothing in it, and how to be rid of it. */
export interface EngineUnderTest {
  engine: Engine
  close(): Promise<void>
}

/** What every engine promises (src/control/database/engine.ts). */
export function databaseEngineContract(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`the contract of database engines: ${name}`, () => {
    let under: EngineUnderTest
    let engine: Engine

    beforeAll(async () => {
      under = await open()
      engine = under.engine
      await engine.executeSql(
        `create table things (id integer primary key, big bigint, value jsonb); insert into things values (1, 1795305600000, '{"a":[1]}')`,
      )
    })

    afterAll(() => under.close())

    const ids = async (): Promise<unknown[]> =>
      (await engine.executeSql('select id from things order by id')).rows.map(row => row['id'])

    it('takes values, and gives the rows of the last of several statements', async () => {
      const { rows } = await engine.executeSql('select $1::int + 1 as sum, $2::jsonb as value', [
        41,
        JSON.stringify({ a: [1] }),
      ])
      expect(rows).toEqual([{ sum: 42, value: { a: [1] } }])
      expect((await engine.executeSql('select 1 as one; select 2 as two')).rows).toEqual([{ two: 2 }])
      expect((await engine.executeSql('select 1 as one where false')).rows).toEqual([])
    })

    it('commits what a transaction did, by typed queries as by text, and gives its result', async () => {
      const result = await engine.transaction(async session => {
        await session.executeSql('insert into things values ($1, 2)', [2])
        await session.sql.execute(sql`insert into things values (3, 3)`)
        return 'done'
      })
      expect(result).toBe('done')
      expect(await ids()).toEqual([1, 2, 3])
    })

    it('undoes a transaction that throws, and throws the same', async () => {
      const error = new Error('on purpose')
      const failing = engine.transaction(async session => {
        await session.executeSql('insert into things values (4)')
        throw error
      })
      await expect(failing).rejects.toBe(error)
      expect(await ids()).toEqual([1, 2, 3])
    })

    it('goes on after a statement that is refused', async () => {
      const twice = engine.transaction(session => session.executeSql('insert into things values (1)'))
      await expect(twice).rejects.toThrow('things_pkey')
      await expect(engine.executeSql('select 1; select nothing')).rejects.toThrow('nothing')
      expect(
        await engine.transaction(async session => (await session.executeSql('select 1')).rows.length),
      ).toBe(1)
    })

    it('lets nothing be written in a view', async () => {
      const writing = engine.view(session => session.executeSql('insert into things values (5)'))
      await expect(writing).rejects.toThrow('read-only transaction')
      const { rows } = await engine.view(session =>
        session.executeSql('select big::text, value from things where id = 1'),
      )
      expect(rows).toEqual([{ big: '1795305600000', value: { a: [1] } }])
      await engine.executeSql('insert into things values (5)')
    })

    it('does a thing alone, and others afterwards', async () => {
      const order: string[] = []
      await engine.alone(async () => {
        order.push('alone')
        await engine.executeSql('select 1')
      })
      await engine.transaction(async session => {
        await session.executeSql(SHARED)
        order.push('shared')
      })
      await expect(engine.alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
      await engine.alone(() => Promise.resolve(order.push('again')))
      expect(order).toEqual(['alone', 'shared', 'again'])
    })

    it('is migrated once, and refuses to be used by an older build', async () => {
      const check = await bringUpToDate(engine)
      await bringUpToDate(engine)
      expect(await engine.view(session => session.sql.select().from(meta))).toEqual([])
      const { rows } = await engine.executeSql(
        'select count(*)::int as count from drizzle.__drizzle_migrations',
      )
      const count = Number(rows[0]?.['count'])
      check({ count, last: 0 })
      const insert = `insert into drizzle.__drizzle_migrations (hash, created_at) values ('future', 9000000000000)`
      await engine.executeSql(insert)
      await expect(bringUpToDate(engine)).rejects.toMatchObject({ code: 'database-newer' })
      await expect(bringUpToDate(engine)).rejects.toThrow(
        `the database ${engine.place} is at schema ${count + 1}, made by a newer Sluice, and this one knows up to schema ${count} `,
      )
      await engine.executeSql(`delete from drizzle.__drizzle_migrations where hash = 'future'`)
    })

    it('carries the job queue, whose calls are part of the transaction', async () => {
      const queue = await openQueue(engine, () => {})
      const work = { kind: 'remove', assetId: 'a1' as AssetId } as const // an id of this test
      const undone = engine.transaction(async session => {
        await queue.send(session, work)
        throw new Error('undone')
      })
      await expect(undone).rejects.toThrow('undone')
      expect(await engine.transaction(session => queue.take(session))).toBeUndefined()
      const id = await engine.transaction(session => queue.send(session, work))
      expect(await engine.transaction(session => queue.take(session))).toEqual({ id, attempt: 1, work })
      expect(await engine.transaction(session => queue.fail(session, id, { code: 'x' }))).toBe('retry')
      await engine.transaction(session => queue.drop(session, id))
      await queue.close()
    })
  })
}
