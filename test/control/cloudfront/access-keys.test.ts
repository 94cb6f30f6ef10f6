import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startControl } from '../../../src/control/index.ts'
import type { CreatedToken } from '../../../src/client/index.ts'
import { newAccessKey, type AccessKey } from '../../../src/signing/index.ts'
import { ControlFixture } from '../fixture.ts'
import { sign, told, type Told } from './signed.ts'

const OWN = newAccessKey()
let control: ControlFixture

beforeAll(async () => {
  control = await ControlFixture.open()
  const options = control.options()
  await control.running.close()
  control.running = await startControl({ ...options, adminAccessKey: OWN })
})

afterAll(() => control.end())

const keyOf = ({ accessKeyId, secretAccessKey }: CreatedToken): AccessKey => ({
  id: accessKeyId,
  secret: secretAccessKey,
})

/** Of an operation that no version has. */
async function remove(key: AccessKey): Promise<Told> {
  const target = '/2020-05-31/anycast-ip-list/a'
  const signed = await sign(control.url, key, { method: 'DELETE', target, headers: { 'if-match': 'E' } })
  return told(await fetch(control.url + target, signed))
}

async function whoIs(key: AccessKey): Promise<string> {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const response = await fetch(
    control.url,
    await sign(control.url, key, { method: 'POST', target: '/', service: 'sts', body }),
  )
  return /<Arn>(.*)<\/Arn>/.exec(await response.text())?.[1] ?? `${response.status}`
}

describe('an access key', () => {
  it('comes with its token, may do the same, and is believed no more when that is deleted', async () => {
    const { client } = control
    const made = await client.createToken({ name: 'ci purge', scopes: ['purge'] })
    expect(made).toMatchObject({
      accessKeyId: expect.stringMatching(/^SLCE[A-Z2-7]{16}$/) as string,
      secretAccessKey: expect.stringMatching(/^[\w-]{40}$/) as string,
    })
    expect(await whoIs(keyOf(made))).toBe('arn:aws:iam::000000000000:user/ci-purge')
    expect(await remove(keyOf(made))).toMatchObject({ status: 403, code: 'AccessDenied' })
    await client.deleteToken(made.id)
    expect(await whoIs(keyOf(made))).toBe('403')
    expect(await remove(keyOf(made))).toMatchObject({ status: 403, code: 'InvalidClientTokenId' })
  })

  it('is listed by its name, and its secret is told once', async () => {
    const { client } = control
    const made = await client.createToken({ name: 'terraform', scopes: ['admin'] })
    const { id, name, scopes, accessKeyId, createdAt } = made
    expect(await client.tokens()).toEqual([{ id, name, scopes, accessKeyId, createdAt }])
    expect(await remove(keyOf(made))).toMatchObject({ status: 501, code: 'NotImplemented' })
    await client.deleteToken(made.id)
  })

  it('of the data folder is the administrator', async () => {
    expect(await whoIs(OWN)).toBe('arn:aws:iam::000000000000:user/admin')
    expect(await remove(OWN)).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(await remove({ ...OWN, secret: newAccessKey().secret })).toMatchObject({
      code: 'SignatureDoesNotMatch',
    })
    expect(await control.client.tokens()).toEqual([])
  })

  it('is another each time', () => {
    expect(newAccessKey().id).not.toBe(newAccessKey().id)
  })
})
