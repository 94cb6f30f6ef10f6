import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AppliedFile, DistributionInfo } from '../../src/client/index.ts'
import type { DistributionInput } from '../../src/distribution/index.ts'
import { ControlFixture } from './fixture.ts'

let control: ControlFixture

beforeEach(async () => {
  control = await ControlFixture.open()
})
afterEach(() => control.end())

type Told = [name: string, outcome: string]

function outcomes({ distributions }: AppliedFile): Told[] {
  return distributions.map(({ name, outcome }) => [name, outcome])
}

async function apply(distributions: Record<string, DistributionInput>): Promise<Told[]> {
  return outcomes(await control.client.applyFile(distributions))
}

async function named(name: string): Promise<DistributionInfo> {
  const found = (await control.client.distributions()).find(each => each.file === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

const one = { origin: 'https://one.example', aliases: ['www.example.com'] }
const two = { origin: 'https://two.example' }

describe('the distributions of a file', () => {
  it('are made once, stay themselves under their names, and change with the file', async () => {
    expect(await apply({ one, two })).toEqual([
      ['one', 'made'],
      ['two', 'made'],
    ])
    const before = await named('one')
    const { snapshotVersion } = await control.client.applyFile({ one, two })
    expect((await control.client.applyFile({ two, one })).snapshotVersion).toBe(snapshotVersion)
    expect(await apply({ one: { ...one, comment: 'changed' }, two })).toEqual([
      ['one', 'changed'],
      ['two', 'same'],
    ])
    expect(await named('one')).toEqual({ ...before, comment: 'changed' })
  })

  it('that leave it are disabled in one version, are told, and are the same when they come back', async () => {
    await apply({ one, two })
    const [first, second] = [await named('one'), await named('two')]
    expect(await apply({ two })).toEqual([
      ['two', 'same'],
      ['one', 'disabled'],
    ])
    expect(await named('one')).toEqual({ ...first, enabled: false })
    expect(await apply({ two })).toEqual([['two', 'same']])
    expect(await apply({ one, two })).toEqual([
      ['one', 'changed'],
      ['two', 'same'],
    ])
    expect([await named('one'), await named('two')]).toEqual([first, second])
  })

  it('may hand a name from one to another', async () => {
    await apply({ one, two })
    const { aliases, ...rest } = one
    expect(await apply({ one: rest, two: { ...two, aliases } })).toEqual([
      ['one', 'changed'],
      ['two', 'changed'],
    ])
    expect(await apply({ two, one })).toEqual([
      ['two', 'changed'],
      ['one', 'changed'],
    ])
  })

  it('take over one that there is by its id, secrets included, and leave all others alone', async () => {
    const { client } = control
    const origins = [{ url: 'https://a.example', headers: [{ name: 'X-Secret', value: 'hush' }] }]
    const { distribution } = await client.createDistribution({ origins, comment: 'by hand' })
    const others = await client.distributions()
    expect(await apply({ mine: distribution })).toEqual([['mine', 'same']])
    expect(await named('mine')).toEqual({ ...distribution, file: 'mine' })
    expect((await client.distributions()).filter(each => each.id !== distribution.id)).toEqual(
      others.filter(each => each.id !== distribution.id),
    )
    await apply({})
    expect((await client.distribution(distribution.id)).enabled).toBe(false)
  })

  it.each<[string, Record<string, DistributionInput>, string]>([
    ['a bad name', { 'a b': one }, '"a b": is no good name'],
    [
      'an id that there is not',
      { one: { ...one, id: 'ENONE00000001' } },
      'there is no distribution ENONE00000001',
    ],
    ['two that share an alias', { one, two: { ...two, aliases: ['www.example.com'] } }, 'belongs to "one"'],
    [
      'a word that does not do',
      { one, two: { ...two, defaultRoot: '/x' } },
      '"two": the defaultRoot "/x" begins',
    ],
    [
      'the fallback',
      { one: { ...one, fallback: true } },
      'which distribution serves unknown hosts is not changed',
    ],
  ])('are refused all together for %s', async (_what, file, sentence) => {
    const before = await control.client.distributions()
    const error: unknown = await control.client.applyFile(file).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'bad-distribution', kind: 'usage' })
    expect(String(error)).toContain(sentence)
    expect(await control.client.distributions()).toEqual(before)
  })

  it('may be changed elsewhere with a warning, and are changed back', async () => {
    await apply({ one })
    const shown = await named('one')
    const { warnings, distribution } = await control.client.replaceDistribution(shown.id, {
      ...shown,
      comment: 'by hand',
    })
    expect(distribution).toEqual({ ...shown, comment: 'by hand' })
    expect(warnings).toEqual([
      'this distribution is written in the configuration file as "one", which changes it back when it is applied again: change it there',
    ])
    expect(await apply({ one })).toEqual([['one', 'changed']])
    expect(await named('one')).toEqual(shown)
  })
})
