import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { DistributionInfo } from '../../src/client/index.ts'
import { startSluice, temporaryFolder, type Sluice } from './sluice.ts'

let folder: string
let file: string
let sluice: Sluice

/** The supervisor has no terminal here, so SIGHUP means that files have changed. */
async function hangUp(said: string): Promise<void> {
  const before = sluice.output().length
  process.kill(sluice.ready.pid, 'SIGHUP')
  await expect.poll(() => sluice.output().slice(before), { timeout: 20_000 }).toContain(said)
}

async function named(name: string): Promise<DistributionInfo | undefined> {
  const { json } = await sluice.cli<DistributionInfo[]>('distribution', 'list')
  return json.find(each => each.file === name)
}

const films = (comment: string): string =>
  `distributions:\n  films:\n    origin: https://films.invalid\n    comment: ${comment}\n`

beforeAll(async () => {
  folder = temporaryFolder('configuration')
  file = path.join(folder, 'sluice.yaml')
  writeFileSync(file, films('at the start'))
  sluice = await startSluice({ args: ['--config', file] })
}, 120_000)

afterAll(async () => {
  await sluice?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

test('the distributions of the file are there when everything answers, and follow the file on SIGHUP', async () => {
  const made = await named('films')
  expect(made).toMatchObject({ comment: 'at the start', enabled: true })
  writeFileSync(file, films('changed'))
  await hangUp('its distributions hold')
  expect(await named('films')).toEqual({ ...made, comment: 'changed' })

  writeFileSync(file, films('[is, no, comment]'))
  await hangUp('nothing has changed')
  writeFileSync(
    file,
    'distributions:\n  films:\n    origin: https://films.invalid\n    behaviours: [{ pattern: "*", gate: { keyGroups: [nobody] } }]\n',
  )
  await hangUp('trusts the key group "nobody", which there is not')
  expect(await named('films')).toEqual({ ...made, comment: 'changed' })

  writeFileSync(file, 'distributions: {}\n')
  await hangUp('says it no more')
  expect(await named('films')).toEqual({ ...made, comment: 'changed', enabled: false })
}, 120_000)

test('what export prints of all is a file that changes nothing', async () => {
  const before = (await sluice.cli<DistributionInfo[]>('distribution', 'list')).json
  const { json } = await sluice.cli<object>('distribution', 'export')
  writeFileSync(file, JSON.stringify(json))
  await hangUp('its distributions hold')
  const after = (await sluice.cli<DistributionInfo[]>('distribution', 'list')).json
  expect(after).toEqual(before.map(each => ({ ...each, file: each.file ?? each.id })))
}, 60_000)

test('a start with a distribution that does not do ends with one sentence', async () => {
  const bad = path.join(folder, 'bad.yaml')
  writeFileSync(bad, 'distributions:\n  films:\n    origin: ftp://films.invalid\n')
  await expect(startSluice({ args: ['--config', bad] })).rejects.toThrow(
    `The distributions of ${bad} are not good: "films": the url of origin "ftp://films.invalid" is no address`,
  )
}, 60_000)
