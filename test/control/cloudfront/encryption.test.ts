import { generateKeyPairSync } from 'node:crypto'
import * as api from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FieldEncryption } from '../../../src/distribution/index.ts'
import { errorOf, openControl, type UnderTest } from './control-under-test.ts'
import { smallConfig } from './documents.ts'

let under: UnderTest
let rsa: string

beforeAll(async () => {
  under = await openControl()
  rsa = await newKey('fields', rsaPem(2048))
}, 60_000)
afterAll(() => under.control.end())

const send: api.CloudFrontClient['send'] = (...args: [never]) => under.cloudFront.send(...args)

function rsaPem(modulusLength: number): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength })
  return publicKey.export({ type: 'spki', format: 'pem' }).toString()
}

async function newKey(Name: string, EncodedKey: string): Promise<string> {
  const config = { CallerReference: Name, Name, EncodedKey, Comment: '' }
  const { PublicKey } = await send(new api.CreatePublicKeyCommand({ PublicKeyConfig: config }))
  return PublicKey?.Id ?? ''
}

function entity(change: Partial<api.EncryptionEntity> = {}): api.EncryptionEntity {
  const FieldPatterns = { Quantity: 1, Items: ['card*'] }
  return { PublicKeyId: rsa, ProviderId: 'shop', FieldPatterns, ...change }
}

function profileConfig(
  Name: string,
  entities: api.EncryptionEntity[] = [entity()],
): api.FieldLevelEncryptionProfileConfig {
  const EncryptionEntities = { Quantity: entities.length, Items: entities }
  return { Name, CallerReference: Name, Comment: '', EncryptionEntities }
}

async function makeProfile(
  config: api.FieldLevelEncryptionProfileConfig,
): Promise<{ id: string; etag: string }> {
  const made = await send(
    new api.CreateFieldLevelEncryptionProfileCommand({ FieldLevelEncryptionProfileConfig: config }),
  )
  return { id: made.FieldLevelEncryptionProfile?.Id ?? '', etag: made.ETag ?? '' }
}

async function deleteProfile({ id, etag }: { id: string; etag: string }): Promise<void> {
  await send(new api.DeleteFieldLevelEncryptionProfileCommand({ Id: id, IfMatch: etag }))
}

const FORM = 'application/x-www-form-urlencoded'

function config(
  CallerReference: string,
  more: { query?: api.QueryArgProfile[]; types?: api.ContentTypeProfile[] } = {},
): api.FieldLevelEncryptionConfig {
  const { query = [], types = [] } = more
  return {
    ...{ CallerReference, Comment: '' },
    QueryArgProfileConfig: {
      ForwardWhenQueryArgProfileIsUnknown: false,
      QueryArgProfiles: { Quantity: query.length, Items: query },
    },
    ContentTypeProfileConfig: {
      ForwardWhenContentTypeIsUnknown: true,
      ContentTypeProfiles: { Quantity: types.length, Items: types },
    },
  }
}

async function make(
  FieldLevelEncryptionConfig: api.FieldLevelEncryptionConfig,
): Promise<{ id: string; etag: string }> {
  const made = await send(new api.CreateFieldLevelEncryptionConfigCommand({ FieldLevelEncryptionConfig }))
  return { id: made.FieldLevelEncryption?.Id ?? '', etag: made.ETag ?? '' }
}

async function remove({ id, etag }: { id: string; etag: string }): Promise<void> {
  await send(new api.DeleteFieldLevelEncryptionConfigCommand({ Id: id, IfMatch: etag }))
}

const patterns = (...Items: string[]): api.EncryptionEntity =>
  entity({ FieldPatterns: { Quantity: Items.length, Items } })

describe('a profile', () => {
  test('encrypts by a key of RSA with 2048 bits, and by no other', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
    const p256 = await newKey('p256', ec.export({ type: 'spki', format: 'pem' }).toString())
    const long = await newKey('long', rsaPem(3072))
    for (const PublicKeyId of [p256, long])
      expect(await errorOf(makeProfile(profileConfig('no', [entity({ PublicKeyId })])))).toBe(
        'InvalidArgument 400',
      )
    expect(await errorOf(makeProfile(profileConfig('no', [entity({ PublicKeyId: 'KNONE' })])))).toBe(
      'NoSuchPublicKey 404',
    )
  })

  const eleven = Array.from({ length: 11 }, (_, at) => `field${at}`)
  test.each<[string, () => api.EncryptionEntity[], string]>([
    ['eleven fields', () => [patterns(...eleven)], 'TooManyFieldLevelEncryptionFieldPatterns 400'],
    ['two keys', () => [entity(), entity()], 'TooManyFieldLevelEncryptionEncryptionEntities 400'],
    ['fields that overlap', () => [patterns('AB*', 'ABC*')], 'InvalidArgument 400'],
    ['a star within a field', () => [patterns('a*b')], 'InvalidArgument 400'],
    ['all fields', () => [patterns('*')], 'InvalidArgument 400'],
    ['no field', () => [patterns()], 'InvalidArgument 400'],
    ['a provider with a space', () => [entity({ ProviderId: 'my shop' })], 'InvalidArgument 400'],
  ])('may not have %s', async (_, entities, error) => {
    expect(await errorOf(makeProfile(profileConfig('no', entities())))).toBe(error)
  })

  test('is one of ten at most, and keeps its CallerReference', async () => {
    const made: { id: string; etag: string }[] = []
    for (let at = 0; at < 10; at++) made.push(await makeProfile(profileConfig(`p${at}`)))
    expect(await errorOf(makeProfile(profileConfig('p10')))).toBe('TooManyFieldLevelEncryptionProfiles 400')
    const [{ id: Id, etag: IfMatch } = { id: '', etag: '' }] = made
    const other = { ...profileConfig('p0'), CallerReference: 'other' }
    const update = send(
      new api.UpdateFieldLevelEncryptionProfileCommand({
        Id,
        IfMatch,
        FieldLevelEncryptionProfileConfig: other,
      }),
    )
    expect(await errorOf(update)).toBe('IllegalUpdate 400')
    for (const each of made) await deleteProfile(each)
  })
})

function distributionConfig(
  CallerReference: string,
  behaviour: Partial<api.DefaultCacheBehavior>,
  OriginProtocolPolicy: api.OriginProtocolPolicy = 'https-only',
): api.DistributionConfig {
  const small = smallConfig({ CallerReference })
  const methods: api.Method[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE']
  const [origin] = small.Origins?.Items ?? []
  return {
    ...small,
    Origins: {
      Quantity: 1,
      Items: [
        {
          ...{ Id: origin?.Id, DomainName: origin?.DomainName },
          CustomOriginConfig: { HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy },
        },
      ],
    },
    DefaultCacheBehavior: {
      ...small.DefaultCacheBehavior,
      TargetOriginId: origin?.Id,
      ViewerProtocolPolicy: 'https-only',
      AllowedMethods: {
        ...{ Quantity: methods.length, Items: methods },
        CachedMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
      },
      ...behaviour,
    },
  }
}

describe('a behaviour', () => {
  const types = (ProfileId: string): api.ContentTypeProfile[] => [
    { Format: 'URLEncoded', ContentType: FORM, ProfileId },
  ]

  async function following(): Promise<{ version: number; encryptions?: FieldEncryption[] }> {
    const { control } = under
    return (await control.asNode(control.edge, '/v1/node/snapshot')).json() as never // our own server's
  }

  test('names a configuration, which edges are given whole, and holds it until it does no more', async () => {
    const profile = await makeProfile(profileConfig('behaviour'))
    const made = await make(config('behaviour', { types: types(profile.id) }))
    const FieldLevelEncryptionId = made.id
    const asked = distributionConfig('fle', { FieldLevelEncryptionId })
    const { Distribution: distribution, ETag } = await send(
      new api.CreateDistributionCommand({ DistributionConfig: asked }),
    )
    const Id = distribution?.Id
    expect(distribution?.DistributionConfig?.DefaultCacheBehavior?.FieldLevelEncryptionId).toBe(made.id)
    const { client } = under.control
    const info = (await client.distributions()).find(each => each.id === Id)
    expect(info?.behaviours[0]?.encryption).toBe(made.id)
    const before = await following()
    expect(before.encryptions).toEqual([
      {
        id: made.id,
        byQuery: { unknown: 'reject', profiles: [] },
        byContentType: {
          unknown: 'forward',
          profiles: [
            {
              contentType: FORM,
              profile: {
                id: profile.id,
                entities: [
                  {
                    ...{ keyId: rsa, keyName: 'fields', provider: 'shop', patterns: ['card*'] },
                    pem: expect.stringContaining('BEGIN PUBLIC KEY') as string,
                  },
                ],
              },
            },
          ],
        },
      },
    ])
    const atOrigin = await under.control.asNode(under.control.origin, '/v1/node/snapshot')
    expect(await atOrigin.json()).not.toHaveProperty('encryptions')
    expect(await errorOf(remove(made))).toBe('FieldLevelEncryptionConfigInUse 409')
    const changed = { ...profileConfig('behaviour', [patterns('name')]) }
    const next = await send(
      new api.UpdateFieldLevelEncryptionProfileCommand({
        ...{ Id: profile.id, IfMatch: profile.etag, FieldLevelEncryptionProfileConfig: changed },
      }),
    )
    const after = await following()
    expect(after.version).toBeGreaterThan(before.version)
    expect(after.encryptions?.[0]?.byContentType.profiles[0]?.profile?.entities[0]?.patterns).toEqual([
      'name',
    ])
    await send(
      new api.UpdateDistributionCommand({
        ...{ Id, IfMatch: ETag },
        DistributionConfig: distributionConfig('fle', { FieldLevelEncryptionId: '' }),
      }),
    )
    expect((await following()).encryptions).toBeUndefined()
    await remove(made)
    await deleteProfile({ id: profile.id, etag: next.ETag ?? '' })
  })

  test.each<[string, Partial<api.DefaultCacheBehavior>, api.OriginProtocolPolicy]>([
    ['viewers in the clear', { ViewerProtocolPolicy: 'allow-all' }, 'https-only'],
    ['no forms', { AllowedMethods: { Quantity: 3, Items: ['GET', 'HEAD', 'OPTIONS'] } }, 'https-only'],
    ['its origin in the clear', {}, 'http-only'],
  ])('may not encrypt with %s', async (_, change, protocol) => {
    const made = await make(config('unfit'))
    const DistributionConfig = distributionConfig(
      'unfit',
      { FieldLevelEncryptionId: made.id, ...change },
      protocol,
    )
    expect(await errorOf(send(new api.CreateDistributionCommand({ DistributionConfig })))).toBe(
      'IllegalFieldLevelEncryptionConfigAssociationWithCacheBehavior 400',
    )
    await remove(made)
  })

  test('may not name a configuration that there is not', async () => {
    const DistributionConfig = distributionConfig('none', { FieldLevelEncryptionId: 'CNONE' })
    expect(await errorOf(send(new api.CreateDistributionCommand({ DistributionConfig })))).toBe(
      'NoSuchFieldLevelEncryptionConfig 404',
    )
  })

  test('is of one of twenty distributions at most that name one configuration', async () => {
    const made = await make(config('twenty'))
    const FieldLevelEncryptionId = made.id
    const create = (name: string): Promise<unknown> =>
      send(
        new api.CreateDistributionCommand({
          DistributionConfig: distributionConfig(name, { FieldLevelEncryptionId }),
        }),
      )
    for (let at = 0; at < 20; at++) await create(`of-${at}`)
    expect(await errorOf(create('of-20'))).toBe(
      'TooManyDistributionsAssociatedToFieldLevelEncryptionConfig 400',
    )
  })
})

describe('a configuration', () => {
  test('names profiles by what a query says, and one for forms', async () => {
    const profile = await makeProfile(profileConfig('named'))
    const query = ['A.b_c-d*+', 'x%20y'].map(QueryArg => ({ QueryArg, ProfileId: profile.id }))
    const types = [{ Format: 'URLEncoded' as const, ContentType: FORM, ProfileId: profile.id }]
    const made = await make(config('whole', { query, types }))
    const { FieldLevelEncryptionConfig: shown } = await send(
      new api.GetFieldLevelEncryptionConfigCommand({ Id: made.id }),
    )
    expect(shown).toEqual(config('whole', { query, types }))
    await remove(made)
    await deleteProfile(profile)
  })

  const arg = (QueryArg: string, ProfileId = 'PNONE'): api.QueryArgProfile => ({ QueryArg, ProfileId })
  const type = (change: Partial<api.ContentTypeProfile>): api.ContentTypeProfile => ({
    ...{ Format: 'URLEncoded', ContentType: FORM },
    ...change,
  })
  test.each<[string, Parameters<typeof config>[1], string]>([
    [
      'six query arguments',
      { query: ['a', 'b', 'c', 'd', 'e', 'f'].map(each => arg(each)) },
      'TooManyFieldLevelEncryptionQueryArgProfiles 400',
    ],
    [
      'two content types',
      { types: [type({}), type({})] },
      'TooManyFieldLevelEncryptionContentTypeProfiles 400',
    ],
    ['another content type', { types: [type({ ContentType: 'text/plain' })] }, 'InvalidArgument 400'],
    ['another format', { types: [type({ Format: 'JSON' as never })] }, 'InvalidArgument 400'],
    ['an empty query argument', { query: [arg('')] }, 'QueryArgProfileEmpty 400'],
    ['a query argument with a space', { query: [arg('a b')] }, 'InvalidArgument 400'],
    ['a query argument of 129 letters', { query: [arg('a'.repeat(129))] }, 'InvalidArgument 400'],
    ['a profile that there is not', { query: [arg('a')] }, 'NoSuchFieldLevelEncryptionProfile 404'],
    ['another of these', { types: [type({ ProfileId: 'PNONE' })] }, 'NoSuchFieldLevelEncryptionProfile 404'],
  ])('may not have %s', async (_, more, error) => {
    expect(await errorOf(make(config('no', more)))).toBe(error)
  })

  test('is one of ten at most', async () => {
    const made: { id: string; etag: string }[] = []
    const { FieldLevelEncryptionList: list } = await send(new api.ListFieldLevelEncryptionConfigsCommand({}))
    for (let at = list?.Quantity ?? 0; at < 10; at++) made.push(await make(config(`c${at}`)))
    expect(await errorOf(make(config('c10')))).toBe('TooManyFieldLevelEncryptionConfigs 400')
    for (const each of made) await remove(each)
  })
})
