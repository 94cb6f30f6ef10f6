import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { startSluice, type Sluice } from '../e2e/sluice.ts'

interface Told {
  verdict: string
  reason: string | null
}
interface Found {
  ok: boolean
  checks: { name: string; state: string; mend?: string }[]
}

let sluice: Sluice
let url: string
beforeAll(async () => {
  sluice = await startSluice({ sample: 'none' })
  const { distribution, http } = sluice.ready
  url = `http://${distribution.domain}:${new URL(http).port}/members/talk/index.m3u8`
})
afterAll(() => sluice.close())

const state = ({ checks }: Found, word: string): string[] =>
  checks.filter(each => each.state === word).map(each => each.name)

test('what the command line signed is let in, and nothing is found but that nothing is published there', async () => {
  const site = new URL(url).origin
  const made = await sluice.cli<Record<string, string>>('sign', 'cookies', `${site}/members/talk/*`)
  expect(made.code, made.stderr).toBe(0)
  const file = path.join(path.dirname(sluice.data), 'cookies')
  const tail = '; Domain=' + sluice.ready.distribution.domain + '; Path=/members/; Secure; SameSite=Lax'
  const lines = Object.entries(made.json).map(([name, value]) => `Set-Cookie: ${name}=${value}${tail}`)
  writeFileSync(file, lines.join('\n'))

  const told = await sluice.cli<Told>('explain', url, '--cookie-file', file)
  expect([told.code, told.json.verdict, told.json.reason]).toEqual([0, 'allowed', null])
  const found = await sluice.cli<Found>('doctor', 'cookies', url, '--page', `${site}/`, '--cookie-file', file)
  expect(found.code, found.stdout).toBe(0)
  expect(state(found.json, 'problem')).toEqual([])
  expect(state(found.json, 'warning')).toEqual(['answer'])
  // One thing broken on the same site: the path that they are set for.
  writeFileSync(file, lines.join('\n').replaceAll('Path=/members/', 'Path=/members/*'))
  const sick = await sluice.cli<Found>('doctor', 'cookies', url, '--page', `${site}/`, '--cookie-file', file)
  expect([sick.code, state(sick.json, 'problem')]).toEqual([1, ['Path']])
})

test('what carries nothing is refused, and the doctor names what is open', async () => {
  const told = await sluice.cli<Told>('explain', url)
  expect([told.code, told.json.verdict, told.json.reason]).toEqual([1, 'refused', 'missing'])
  const open = await sluice.cli<Found>('doctor', 'cookies', url.replace('/members/', '/open/'))
  expect([open.code, state(open.json, 'problem')]).toEqual([1, ['gate']])
})

test('an encoder is told of its channel', async () => {
  await sluice.cli('live', 'create', '/live/stage')
  const signed = await sluice.cli<{ url: string }>('live', 'sign', '/live/stage')
  const told = await sluice.cli<Told>('explain', signed.json.url)
  expect([told.code, told.json.verdict], told.stdout).toEqual([0, 'allowed'])
})
