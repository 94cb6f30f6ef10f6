// needs: ffmpeg
import path from 'node:path'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kill, ROLES, whole } from '../e2e/roles.ts'
import {
  ffmpeg,
  makeFilm,
  startSluice,
  temporaryFolder,
  until,
  type Outcome,
  type Sluice,
} from '../e2e/sluice.ts'

let folder: string
let sluice: Sluice

beforeAll(async () => {
  folder = temporaryFolder('publish-kills')
  await makeFilm(path.join(folder, 'film.mp4'), 10)
  // Neither container nor codec fit, so the origin has seconds of work to be killed in.
  await ffmpeg(
    ...['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=15'],
    ...['-c:v', 'mpeg4', '-q:v', '3', path.join(folder, 'work.avi')],
  )
  sluice = await startSluice()
  expect((await sluice.cli('publish', path.join(folder, 'film.mp4'), '/open/film')).code).toBe(0)
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

test.each(ROLES)(
  'a publish goes on or says that it failed when the %s dies, and what was there plays on',
  async role => {
    const at = `/open/work-${role}`
    const publishing: Promise<Outcome<{ state?: string; playlist?: string }>> = sluice.cli(
      'publish',
      path.join(folder, 'work.avi'),
      at,
    )
    await until(
      'the origin works on it',
      () => stateOf(at).then(state => (state === 'preparing' ? true : undefined)),
      30_000,
    )
    await kill(sluice, role)
    const outcome = await publishing
    expect(['ready', 'errored']).toContain(outcome.json.state)
    expect(outcome.code).toBe(outcome.json.state === 'ready' ? 0 : 1)
    await whole(sluice)
    if (outcome.json.state === 'ready')
      expect((await fetch(`${sluice.ready.http}${at}/index.m3u8`)).status).toBe(200)
    expect((await fetch(`${sluice.ready.http}/open/film/index.m3u8`)).status).toBe(200)
  },
  120_000,
)

async function stateOf(at: string): Promise<string | undefined> {
  const { json } = await sluice.cli<{ path: string; state: string }[]>('assets', at)
  return Array.isArray(json) ? json.find(asset => asset.path === at)?.state : undefined
}
