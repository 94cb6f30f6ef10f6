import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { resolveConfiguration } from '../../src/app/configuration.ts'
import { applyDistributions, FileFollower, type ReadFile } from '../../src/app/file-distributions.ts'
import { printReference } from '../../src/app/reference.ts'
import { SETTINGS } from '../../src/app/settings.ts'
import { DistributionInput } from '../../src/distribution/index.ts'
import { ControlFixture } from '../control/fixture.ts'
import { freshFolder } from './folder.ts'

function fileOf(yaml: string) {
  const cwd = freshFolder()
  writeFileSync(join(cwd, 'sluice.yaml'), yaml)
  return resolveConfiguration({ env: {}, cwd })
}

const SITE = 'distributions:\n  site:\n    origin: https://site.example\n'

describe('the distributions of a configuration file', () => {
  test('stand beside its settings, by their names', () => {
    const { configuration, distributions } = fileOf(`http: 81\n${SITE}`)
    expect(configuration.http).toEqual({ port: 81 })
    expect(distributions).toEqual({ site: { origin: 'https://site.example' } })
    expect(fileOf('http: 81').distributions).toBeUndefined()
    expect(fileOf('distributions:').distributions).toEqual({})
  })

  test.each([
    ['distributions: [1]', '"distributions" in sluice.yaml is not valid: must be object'],
    [
      'distributions:\n  site:\n    orign: https://a.example',
      '"distributions.site" in sluice.yaml is not valid: the field "orign" is not known here',
    ],
    [
      'distributions:\n  "my site":\n    origin: https://a.example',
      'The distributions of sluice.yaml are not good: "my site" is no good name: use letters, digits, "-" and "_", 64 at most.',
    ],
    [
      'distributions:\n  one: { origin: https://a.example, aliases: [x.example] }\n  two: { origin: https://b.example, aliases: [X.example], behaviours: [{ pattern: /a }] }',
      'The distributions of sluice.yaml are not good: "two": the last behaviour must be "*", for all that no other matches: add {"pattern": "*"} at the end.',
    ],
    [
      'distributions:\n  one: { origin: https://a.example, aliases: [x.example] }\n  two: { origin: https://b.example, aliases: [X.example] }',
      'The distributions of sluice.yaml are not good: "two": the alias "x.example" belongs to "one": take it out there first.',
    ],
  ])('are refused with one sentence: %s', (yaml, sentence) => {
    expect(() => fileOf(yaml)).toThrow(sentence)
  })

  test('are good as far as the file tells: what control alone knows may be', () => {
    const yaml = `
distributions:
  films:
    origins:
      - { url: https://site.example, headers: [{ name: X-Secret }] }
      - { bucket: films, access: of-films }
    behaviours:
      - { pattern: /a/*, gate: { keyGroups: [partners], issuers: [login] }, policies: { cache: mine } }
      - { pattern: "*", policies: { cache: Managed-CachingOptimized } }
`
    expect(Object.keys(fileOf(yaml).distributions ?? {})).toEqual(['films'])
    const beside = yaml.replace('Managed-CachingOptimized }', 'Managed-CachingOptimized }, query: all')
    expect(() => fileOf(beside)).toThrow(
      'has a "query" beside the policy that says it (Managed-CachingOptimized)',
    )
  })
})

describe('the reference', () => {
  test('is a whole configuration, which is good and has every word', () => {
    const { origins, distributions = {} } = fileOf(printReference())
    expect(Object.values(origins).map(({ source }) => source)).toEqual(
      Object.keys(SETTINGS).map(() => 'file'),
    )
    const words = Object.keys(DistributionInput.properties)
    const example = distributions['example'] ?? {}
    expect(Object.keys(example).sort()).toEqual(
      words.filter(word => !['id', 'domain', 'fallback', 'file', 'origin'].includes(word)).sort(),
    )
    const { behaviours, origins: sites } = DistributionInput.properties
    const used = (all: readonly object[] = []) => [...new Set(all.flatMap(each => Object.keys(each)))].sort()
    expect(used(example.behaviours)).toEqual(Object.keys(behaviours.items.properties).sort())
    expect(used(example.origins)).toEqual(Object.keys(sites.items.properties).sort())
    const headers = example.behaviours?.find(each => each.responseHeaders)?.responseHeaders
    const said = behaviours.items.properties.responseHeaders.properties
    expect(used([headers ?? {}])).toEqual(Object.keys(said).sort())
    expect(used([headers?.security ?? {}])).toEqual(Object.keys(said.security.properties).sort())
    expect(example.enabled).toBe(false)
  })

  test('explains each word: a comment stands above or behind what it is about', () => {
    const lines = printReference().split('\n')
    expect(lines.filter(line => line.includes('# ')).length).toBeGreaterThan(80)
    expect(parse(printReference())).toHaveProperty('distributions.example')
  })
})

describe('a configuration file that is applied', () => {
  let control: ControlFixture
  let shown: string[] = []
  const show = (line: string): void => void shown.push(line)
  const applied = async (distributions: ReadFile['distributions']): Promise<string[]> => {
    shown = []
    await applyDistributions(distributions, { client: control.client, name: 'sluice.yaml', show })
    return shown
  }

  beforeAll(async () => {
    control = await ControlFixture.open()
  })
  afterAll(() => control.end())

  test('tells what it made, and nothing the second time', async () => {
    const films = { films: { origin: 'https://films.example' } }
    expect((await applied(films)).join()).toMatch(
      /^distribution films: made as E\w{13}, e\w{13}\.cdn\.localhost$/,
    )
    expect(await applied(films)).toEqual([])
    expect(await applied(undefined)).toEqual([])
    const [gone] = await applied({})
    expect(gone).toMatch(
      /^distribution films: E\w{13} is disabled, since sluice.yaml says it no more; sluice distr/,
    )
  })

  test('is read again on a wish, and where it cannot be, nothing has changed', async () => {
    let file: () => ReadFile = () => ({
      name: 'sluice.yaml',
      distributions: { again: { origin: 'https://again.example' } },
    })
    shown = []
    const follower = await FileFollower.start({ readFile: () => file(), client: control.client, show })
    await follower.look()
    expect(shown.map(line => line.replace(/E\w{13}.*/, 'ID'))).toEqual([
      'distribution again: made as ID',
      'sluice.yaml was read again: its distributions hold; settings count at the next start',
    ])
    const before = await control.client.distributions()
    file = () => ({ name: 'sluice.yaml', distributions: { again: { origin: 'ftp://again.example' } } })
    shown = []
    await follower.look()
    file = () => {
      throw new Error('sluice.yaml is not YAML at line 3: bad')
    }
    await follower.look()
    expect(shown).toEqual([
      'the configuration file was not applied, and nothing has changed: "again": the url of origin "ftp://again.example" is no address: begin it with https:// or http://',
      'the configuration file was not applied, and nothing has changed: sluice.yaml is not YAML at line 3: bad',
    ])
    expect(await control.client.distributions()).toEqual(before)
  })
})
