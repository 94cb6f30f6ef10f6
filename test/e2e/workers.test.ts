import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeFilm, startSluice, temporaryFolder, until, type Sluice } from './sluice.ts'
import { processOf, whole } from './roles.ts'

let folder: string
let sluice: Sluice

beforeAll(async () => {
  folder = temporaryFolder('workers')
  await makeFilm(path.join(folder, 'film.mp4'), 4)
  sluice = await startSluice({ args: ['--edge-workers', '2'] })
}, 60_000)

afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

function workers(edge: number): number[] {
  const text = execFileSync('pgrep', ['-P', String(edge)]).toString()
  return text.trim().split('\n').map(Number)
}

test('with two workers a film plays on when one of them is killed, and changes reach both', async () => {
  const entry = `${sluice.ready.http}/open/film/index.m3u8`
  const film = path.join(folder, 'film.mp4')
  expect((await sluice.cli('publish', film, '/open/film')).code).toBe(0)
  expect((await fetch(entry)).status).toBe(200)
  const edge = (await processOf(sluice, 'edge')) ?? 0
  const before = workers(edge)
  expect(before.length).toBe(2)
  process.kill(before[0] ?? 0, 'SIGKILL')
  // What is whole is right; only the dead one's own connections may break.
  for (let n = 0; n < 20; n++)
    expect(
      (await fetch(entry, { headers: { connection: 'close' } }).catch(() => undefined))?.status ?? 200,
    ).toBe(200)
  await until(
    'another took its place',
    () => Promise.resolve(workers(edge).length === 2 ? true : undefined),
    20_000,
  )
  await whole(sluice)
  expect(await processOf(sluice, 'edge')).toBe(edge)
  // The command returns when every worker has it: nobody finds it any more.
  expect((await sluice.cli('unpublish', '/open/film')).code).toBe(0)
  for (let n = 0; n < 20; n++)
    expect((await fetch(entry, { headers: { connection: 'close' } })).status).toBe(404)
  const read = async (): Promise<string> => (await fetch(`${sluice.ready.admin}/metrics`)).text()
  // The one that took its place is a process before it serves.
  await expect.poll(read, { timeout: 20_000 }).toMatch(/^sluice_edge_workers\{role="edge"\} 2$/m)
  const metrics = await read()
  expect(metrics.match(/^# TYPE sluice_requests_total /gm)?.length).toBe(1)
  expect(await sluice.close()).toBe(0)
  expect(() => workers(edge)).toThrow()
}, 60_000)
