import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EncryptionInput } from '../../src/distribution/index.ts'
import { ControlFixture } from './fixture.ts'

const FORM = 'application/x-www-form-urlencoded'

let control: ControlFixture
let key: string
let pem: string

beforeAll(async () => {
  control = await ControlFixture.open()
  pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
  key = (await control.client.importKey({ name: 'cards-2026', pem, group: 'fields' })).id
})
afterAll(() => control.end())

function encryption(name: string, change: Partial<EncryptionInput> = {}): EncryptionInput {
  return {
    name,
    profiles: [{ name: `${name}-cards`, key: 'cards-2026', provider: 'shop', patterns: ['card*'] }],
    byContentType: { profiles: [{ profile: `${name}-cards` }] },
    ...change,
  }
}

describe('an encryption', () => {
  test('is made with its profiles, is shown as a file that makes it again, and goes with them', async () => {
    const { client } = control
    const { encryption: made } = await client.createEncryption(encryption('pay'))
    expect(made).toEqual({
      id: expect.stringMatching(/^C[A-Z0-9]{13}$/) as string,
      ...{ name: 'pay', comment: '' },
      profiles: [
        {
          id: expect.stringMatching(/^P[A-Z0-9]{13}$/) as string,
          ...{ name: 'pay-cards', comment: '', key, keyName: 'cards-2026', provider: 'shop' },
          patterns: ['card*'],
        },
      ],
      byQuery: { unknown: 'reject', profiles: [] },
      byContentType: { unknown: 'reject', profiles: [{ contentType: FORM, profile: 'pay-cards' }] },
    })
    expect([await client.encryption('pay'), await client.encryption(made.id)]).toEqual([made, made])
    expect(await client.encryptions()).toEqual([made])
    expect((await client.replaceEncryption('pay', made)).encryption).toEqual(made)
    await client.deleteEncryption('pay')
    expect(await client.encryptions()).toEqual([])
    // Its profile is gone, too, so that another may have the name.
    await client.createEncryption(encryption('pay', { comment: 'again' }))
    await client.deleteEncryption('pay')
  })

  test('may call a profile of another by name, which then is changed by neither', async () => {
    const { client } = control
    await client.createEncryption(encryption('one'))
    const { encryption: other } = await client.createEncryption({
      name: 'other',
      byQuery: { unknown: 'forward', profiles: [{ argument: 'cards', profile: 'one-cards' }] },
    })
    expect([other.profiles.map(({ name }) => name), other.byQuery, other.byContentType]).toEqual([
      ['one-cards'],
      { unknown: 'forward', profiles: [{ argument: 'cards', profile: 'one-cards' }] },
      { unknown: 'reject', profiles: [] },
    ])
    const [profile] = encryption('one').profiles ?? []
    const changed = { ...profile, patterns: ['number'] } as NonNullable<typeof profile> // there is one
    await expect(
      client.replaceEncryption('one', encryption('one', { profiles: [changed] })),
    ).rejects.toMatchObject({ code: 'in-use' })
    await client.deleteEncryption('one')
    await client.deleteEncryption('other')
    expect(await client.encryptions()).toEqual([])
  })

  test('lets its profiles be changed and left out', async () => {
    const { client } = control
    await client.createEncryption(encryption('pay'))
    const next = encryption('pay', {
      profiles: [{ name: 'names', key, provider: 'shop', patterns: ['name', 'name[*'] }],
      byContentType: { unknown: 'forward', profiles: [{ profile: 'names' }] },
    })
    const { encryption: changed } = await client.replaceEncryption('pay', next)
    expect(changed.profiles.map(each => [each.name, each.patterns])).toEqual([['names', ['name', 'name[*']]])
    await client.createEncryption(encryption('second', { profiles: [], byContentType: {} }))
    await client.deleteEncryption('pay')
    await client.deleteEncryption('second')
  })

  test.each<[string, Partial<EncryptionInput>, RegExp]>([
    [
      'a key that there is not',
      { profiles: [{ name: 'x', key: 'none', provider: 'a', patterns: ['b'] }] },
      /there is no public key none/,
    ],
    [
      'a profile that there is not',
      { byContentType: { profiles: [{ profile: 'x' }] }, profiles: [] },
      /there is no profile x/,
    ],
    ['a profile that nothing chooses', { byContentType: {} }, /the profile "bad-cards" is chosen by nothing/],
    [
      'fields that overlap',
      { profiles: [{ name: 'bad-cards', key: 'cards-2026', provider: 'a', patterns: ['AB*', 'ABC'] }] },
      /"AB\*" and "ABC" .* overlap/,
    ],
  ])('is refused with %s', async (_, change, why) => {
    await expect(control.client.createEncryption(encryption('bad', change))).rejects.toMatchObject({
      code: 'bad-encryption',
      message: expect.stringMatching(why) as string,
    })
    expect(await control.client.encryptions()).toEqual([])
  })

  test('has a name of its own, and holds its key', async () => {
    const { client } = control
    await client.createEncryption(encryption('pay'))
    await expect(client.createEncryption(encryption('pay'))).rejects.toMatchObject({ code: 'exists' })
    await expect(client.deleteKey(key)).rejects.toMatchObject({ code: 'in-use' })
    await client.deleteEncryption('pay')
    await expect(client.encryption('pay')).rejects.toMatchObject({ code: 'not-found' })
  })
})
