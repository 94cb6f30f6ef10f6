// needs: ffmpeg
import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTruth, startReaders } from '../e2e/readers.ts'
import { kill, ROLES, whole } from '../e2e/roles.ts'
import { makeFilm, startSluice, temporaryFolder, until, type Sluice } from '../e2e/sluice.ts'

const KILLS = 120

let folder: string
let sluice: Sluice

beforeAll(async () => {
  folder = temporaryFolder('many-kills')
  await makeFilm(path.join(folder, 'film.mp4'), 60)
  sluice = await startSluice()
  expect((await sluice.cli('publish', path.join(folder, 'film.mp4'), '/open/film')).code).toBe(0)
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

test(
  `${KILLS} kills under traffic, with publishes between them: no wrong byte, and nothing published is lost`,
  async () => {
    const film = path.join(folder, 'film.mp4')
    const truth = await readTruth(`${sluice.ready.http}/open/film`)
    const readers = startReaders(sluice.ready.http, truth)
    const published: string[] = []
    for (let round = 0; round < KILLS; round++) {
      // Not at random: the rounds of a failing run can be told apart, and each role meets each phase of a publish.
      const role = ROLES[round % ROLES.length] ?? 'edge'
      const at = `/open/film-${round}`
      const publishing = round % 4 === 0 ? sluice.cli<{ state?: string }>('publish', film, at) : undefined
      await new Promise(resolve => setTimeout(resolve, (round * 37) % 700)) // the phase that the kill falls into
      await kill(sluice, role)
      await whole(sluice)
      const outcome = await publishing
      if (outcome?.json.state === 'ready') published.push(at)
      else if (outcome) expect([round, outcome.json.state, outcome.code]).toEqual([round, 'errored', 1])
    }
    const before = readers.checked()
    await until('viewers are served in the end', () =>
      Promise.resolve(readers.checked() > before + 50 ? true : undefined),
    )
    await readers.stop()
    expect(readers.wrong).toEqual([])
    expect(published.length).toBeGreaterThan(0)
    for (const at of published) {
      const again = await readTruth(`${sluice.ready.http}${at}`)
      expect([...again.values()].sort()).toEqual([...truth.values()].sort())
    }
  },
  40 * 60_000,
)
