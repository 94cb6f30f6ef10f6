import { generateKeyPairSync } from 'node:crypto'
import * as api from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MANAGED_POLICIES } from '../../../src/distribution/index.ts'
import { errorOf, openControl, type UnderTest } from './control-under-test.ts'
import { OPTIMIZED, smallConfig, withBehaviour } from './documents.ts'

let under: UnderTest

beforeAll(async () => {
  under = await openControl()
}, 60_000)

afterAll(() => under.control.end())

const send: api.CloudFrontClient['send'] = (...args: [never]) => under.cloudFront.send(...args)

function newPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
}

async function newKey(
  name: string,
  EncodedKey = newPem(),
): Promise<{ id: string; etag: string; config: api.PublicKeyConfig }> {
  const config = { CallerReference: name, Name: name, EncodedKey, Comment: 'mine' }
  const { PublicKey: key, ETag: etag = '' } = await send(
    new api.CreatePublicKeyCommand({ PublicKeyConfig: config }),
  )
  return { id: key?.Id ?? '', etag, config }
}

describe('a key group of sluice keys that has no key yet', () => {
  test('may be sent back as it was shown', async () => {
    const { KeyGroupList } = await send(new api.ListKeyGroupsCommand({}))
    const { Id } =
      KeyGroupList?.Items?.find(each => each.KeyGroup?.KeyGroupConfig?.Name === 'default')?.KeyGroup ?? {}
    const { KeyGroupConfig: shown, ETag } = await send(new api.GetKeyGroupConfigCommand({ Id }))
    const { KeyGroup } = await send(
      new api.UpdateKeyGroupCommand({ Id, IfMatch: ETag, KeyGroupConfig: shown }),
    )
    expect([shown?.Items, KeyGroup?.KeyGroupConfig]).toEqual([[], shown])
  })
})

describe('a public key', () => {
  test('is made, read, described anew and deleted', async () => {
    const { id, etag, config } = await newKey('signer')
    expect(id).toMatch(/^K[A-Z0-9]{13}$/)
    const read = await send(new api.GetPublicKeyCommand({ Id: id }))
    expect([read.ETag, read.PublicKey?.PublicKeyConfig]).toEqual([etag, config])
    const changed = { ...config, Comment: 'changed' }
    const updated = await send(
      new api.UpdatePublicKeyCommand({ Id: id, IfMatch: etag, PublicKeyConfig: changed }),
    )
    expect(updated.PublicKey?.PublicKeyConfig).toEqual(changed)
    const again = await send(new api.GetPublicKeyConfigCommand({ Id: id }))
    expect([again.ETag, again.PublicKeyConfig]).toEqual([updated.ETag, changed])
    const remove = (IfMatch?: string): Promise<unknown> =>
      send(new api.DeletePublicKeyCommand({ Id: id, IfMatch }))
    expect(await errorOf(remove(etag))).toBe('PreconditionFailed 412')
    expect(await errorOf(remove())).toBe('InvalidIfMatchVersion 400')
    await remove(updated.ETag)
    expect(await errorOf(remove(updated.ETag))).toBe('NoSuchPublicKey 404')
  })

  test('is refused when it is none, is another’s, or would become another', async () => {
    const { id, etag, config } = await newKey('refused')
    const make = (change: object): Promise<unknown> =>
      send(new api.CreatePublicKeyCommand({ PublicKeyConfig: { ...config, ...change } }))
    expect(await errorOf(make({ CallerReference: 'x', Name: 'x', EncodedKey: 'x' }))).toBe(
      'InvalidArgument 400',
    )
    expect(await errorOf(make({ CallerReference: 'x' }))).toBe('PublicKeyAlreadyExists 409')
    expect(await errorOf(make({ Name: 'x' }))).toBe('PublicKeyAlreadyExists 409')
    expect(
      await errorOf(
        send(
          new api.UpdatePublicKeyCommand({
            ...{ Id: id, IfMatch: etag },
            PublicKeyConfig: { ...config, EncodedKey: newPem() },
          }),
        ),
      ),
    ).toBe('CannotChangeImmutablePublicKeyFields 400')
  })

  test('of sluice keys is listed, too, as those that are made here are there', async () => {
    const { client } = under.control
    const pem = newPem()
    const own = await client.importKey({ name: 'of the cli', pem, group: 'default' })
    const { id } = await newKey('of-the-api')
    const { PublicKeyList: list } = await send(new api.ListPublicKeysCommand({}))
    expect(list?.Items).toContainEqual(
      expect.objectContaining({ Id: own.id, Name: 'of the cli', EncodedKey: pem }),
    )
    expect((await client.keys()).map(each => each.id)).toContain(id)
  })
})

describe('a key group', () => {
  test('is made, trusted, changed, and deleted when nobody trusts it', async () => {
    const [one, two] = [await newKey('group-one'), await newKey('group-two')]
    const config = { Name: 'members', Items: [one.id], Comment: 'c' }
    const { KeyGroup: group, ETag } = await send(new api.CreateKeyGroupCommand({ KeyGroupConfig: config }))
    const Id = group?.Id
    expect(group?.KeyGroupConfig).toEqual(config)
    const more = { ...config, Items: [two.id, one.id] }
    const updated = await send(new api.UpdateKeyGroupCommand({ Id, IfMatch: ETag, KeyGroupConfig: more }))
    const read = await send(new api.GetKeyGroupCommand({ Id }))
    expect([read.ETag, read.KeyGroup?.KeyGroupConfig]).toEqual([updated.ETag, more])
    expect((await send(new api.GetKeyGroupConfigCommand({ Id }))).KeyGroupConfig).toEqual(more)
    const { KeyGroupList: list } = await send(new api.ListKeyGroupsCommand({}))
    expect(list?.Items?.map(each => each.KeyGroup?.Id)).toContain(Id)
    expect((await under.control.client.keyGroups()).find(each => each.id === Id)?.keys).toHaveLength(2)

    const trusting = withBehaviour({ TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: [Id ?? ''] } })
    const made = await send(new api.CreateDistributionCommand({ DistributionConfig: trusting }))
    expect(made.Distribution?.ActiveTrustedKeyGroups).toMatchObject({
      ...{ Enabled: true, Quantity: 1 },
      Items: [{ KeyGroupId: Id, KeyPairIds: { Quantity: 2 } }],
    })
    const remove = (): Promise<unknown> => send(new api.DeleteKeyGroupCommand({ Id, IfMatch: updated.ETag }))
    expect(await errorOf(remove())).toBe('ResourceInUse 409')
    expect(await errorOf(send(new api.DeletePublicKeyCommand({ Id: one.id, IfMatch: one.etag })))).toBe(
      'PublicKeyInUse 409',
    )
    const open = { ...smallConfig(), ...pick(made.Distribution?.DistributionConfig) }
    await send(
      new api.UpdateDistributionCommand({
        ...{ Id: made.Distribution?.Id, IfMatch: made.ETag },
        DistributionConfig: { ...open, DefaultCacheBehavior: smallConfig().DefaultCacheBehavior },
      }),
    )
    await remove()
    expect(await errorOf(send(new api.GetKeyGroupCommand({ Id })))).toBe('NoSuchResource 404')
  })

  test('has keys that there are, and a name of its own', async () => {
    const { id } = await newKey('group-three')
    const make = (Name: string, Items: string[]): Promise<unknown> =>
      send(new api.CreateKeyGroupCommand({ KeyGroupConfig: { Name, Items } }))
    expect(await errorOf(make('strange', ['K0NOTTHERE0000']))).toBe('InvalidArgument 400')
    expect(await errorOf(make('default', [id]))).toBe('KeyGroupAlreadyExists 409')
  })
})

describe('a cache policy', () => {
  const config: api.CachePolicyConfig = {
    ...{ Name: 'hls', Comment: 'c', MinTTL: 1, DefaultTTL: 60, MaxTTL: 3600 },
    ParametersInCacheKeyAndForwardedToOrigin: {
      EnableAcceptEncodingGzip: true,
      EnableAcceptEncodingBrotli: false,
      HeadersConfig: { HeaderBehavior: 'whitelist', Headers: { Quantity: 1, Items: ['Origin'] } },
      CookiesConfig: { CookieBehavior: 'none' },
      QueryStringsConfig: {
        QueryStringBehavior: 'whitelist',
        QueryStrings: { Quantity: 2, Items: ['_HLS_msn', '_HLS_part'] },
      },
    },
  }

  test.each(['all', 'allExcept', 'allViewer'])(
    'is refused where it would key no header of %s',
    async which => {
      const parts = config.ParametersInCacheKeyAndForwardedToOrigin
      if (parts === undefined) throw new Error('a cache policy has them')
      // A word that the API has elsewhere: an answer for one viewer would be kept for all.
      const HeadersConfig = { HeaderBehavior: which, Headers: { Quantity: 1, Items: ['X-Viewer'] } } as never
      const wanted = {
        ...{ ...config, Name: `headers-${which}` },
        ParametersInCacheKeyAndForwardedToOrigin: { ...parts, HeadersConfig },
      }
      const made = under.cloudFront.send(new api.CreateCachePolicyCommand({ CachePolicyConfig: wanted }))
      expect(await errorOf(made)).toBe('InvalidArgument 400')
    },
  )

  test('decides the behaviours that name it, from here and from there', async () => {
    const { CachePolicy: policy, ETag } = await send(
      new api.CreateCachePolicyCommand({ CachePolicyConfig: config }),
    )
    const Id = policy?.Id
    expect(policy?.CachePolicyConfig).toEqual(config)
    const named = { ...withBehaviour({ CachePolicyId: Id }), CallerReference: 'by policy' }
    const made = await send(new api.CreateDistributionCommand({ DistributionConfig: named }))
    const behaviour = async (): Promise<unknown> =>
      (await under.control.client.distributions()).find(each => each.id === made.Distribution?.Id)
        ?.behaviours[0]
    expect(await behaviour()).toMatchObject({
      ...{ ttl: { minimum: 1, default: 60, maximum: 3600 }, headers: ['origin'], acceptEncoding: ['gzip'] },
      query: ['_HLS_msn', '_HLS_part'],
    })
    const longer = { ...config, MaxTTL: 7200 }
    const updated = await send(
      new api.UpdateCachePolicyCommand({ Id, IfMatch: ETag, CachePolicyConfig: longer }),
    )
    expect(await behaviour()).toMatchObject({ ttl: { maximum: 7200 } })
    const read = await send(new api.GetCachePolicyCommand({ Id }))
    expect([read.ETag, read.CachePolicy?.CachePolicyConfig]).toEqual([updated.ETag, longer])
    expect((await send(new api.GetCachePolicyConfigCommand({ Id }))).CachePolicyConfig).toEqual(longer)
    // The document of the distribution is as it was sent: its words are the policy's.
    const shown = await send(new api.GetDistributionCommand({ Id: made.Distribution?.Id }))
    expect(shown.Distribution?.DistributionConfig).toEqual(made.Distribution?.DistributionConfig)
    const remove = (): Promise<unknown> =>
      send(new api.DeleteCachePolicyCommand({ Id, IfMatch: updated.ETag }))
    expect(await errorOf(remove())).toBe('CachePolicyInUse 409')
    await send(
      new api.UpdateDistributionCommand({
        ...{ Id: made.Distribution?.Id, IfMatch: shown.ETag },
        DistributionConfig: { ...named, DefaultCacheBehavior: smallConfig().DefaultCacheBehavior },
      }),
    )
    await remove()
    expect(await errorOf(send(new api.GetCachePolicyCommand({ Id })))).toBe('NoSuchCachePolicy 404')
  })

  test('is listed by its type, the managed ones under their ids, which nobody changes', async () => {
    const { CachePolicy: own } = await send(
      new api.CreateCachePolicyCommand({ CachePolicyConfig: { ...config, Name: 'listed' } }),
    )
    const ids = async (Type?: 'managed' | 'custom'): Promise<(string | undefined)[]> =>
      ((await send(new api.ListCachePoliciesCommand({ Type }))).CachePolicyList?.Items ?? []).map(
        each => each.CachePolicy?.Id,
      )
    const managed = MANAGED_POLICIES.filter(({ says }) => says.kind === 'cache').map(({ id }) => id as string)
    expect((await ids('managed')).sort()).toEqual(managed.sort())
    expect(await ids('custom')).toEqual([own?.Id])
    expect(await ids()).toHaveLength(managed.length + 1)
    const optimized = await send(new api.GetCachePolicyCommand({ Id: OPTIMIZED }))
    const change = { Id: OPTIMIZED, IfMatch: optimized.ETag }
    expect(
      await errorOf(send(new api.UpdateCachePolicyCommand({ ...change, CachePolicyConfig: config }))),
    ).toBe('IllegalUpdate 400')
    expect(await errorOf(send(new api.DeleteCachePolicyCommand(change)))).toBe('IllegalDelete 400')
    expect(
      await errorOf(
        send(new api.CreateCachePolicyCommand({ CachePolicyConfig: { ...config, Name: 'listed' } })),
      ),
    ).toBe('CachePolicyAlreadyExists 409')
  })
})

describe('an origin request policy', () => {
  test('is made, changed, listed and deleted', async () => {
    const config: api.OriginRequestPolicyConfig = {
      ...{ Name: 'viewer', Comment: '' },
      HeadersConfig: {
        HeaderBehavior: 'allViewerAndWhitelistCloudFront',
        Headers: { Quantity: 1, Items: ['CloudFront-Viewer-Country'] },
      },
      CookiesConfig: { CookieBehavior: 'none' },
      QueryStringsConfig: { QueryStringBehavior: 'all' },
    }
    const made = await send(new api.CreateOriginRequestPolicyCommand({ OriginRequestPolicyConfig: config }))
    const Id = made.OriginRequestPolicy?.Id
    expect(made.OriginRequestPolicy?.OriginRequestPolicyConfig).toEqual(config)
    const other: api.OriginRequestPolicyConfig = { ...config, HeadersConfig: { HeaderBehavior: 'allViewer' } }
    const updated = await send(
      new api.UpdateOriginRequestPolicyCommand({ Id, IfMatch: made.ETag, OriginRequestPolicyConfig: other }),
    )
    const read = await send(new api.GetOriginRequestPolicyCommand({ Id }))
    expect([read.ETag, read.OriginRequestPolicy?.OriginRequestPolicyConfig]).toEqual([updated.ETag, other])
    const { OriginRequestPolicyConfig: shown } = await send(
      new api.GetOriginRequestPolicyConfigCommand({ Id }),
    )
    expect(shown).toEqual(other)
    const { OriginRequestPolicyList: list } = await send(
      new api.ListOriginRequestPoliciesCommand({ Type: 'custom' }),
    )
    expect(list?.Items?.map(each => each.OriginRequestPolicy?.Id)).toEqual([Id])
    await send(new api.DeleteOriginRequestPolicyCommand({ Id, IfMatch: updated.ETag }))
    expect(await errorOf(send(new api.GetOriginRequestPolicyCommand({ Id })))).toBe(
      'NoSuchOriginRequestPolicy 404',
    )
  })
})

describe('a response headers policy', () => {
  const config: api.ResponseHeadersPolicyConfig = {
    Name: 'cors',
    Comment: '',
    CorsConfig: {
      AccessControlAllowOrigins: { Quantity: 1, Items: ['https://www.example.test'] },
      AccessControlAllowHeaders: { Quantity: 1, Items: ['Range'] },
      AccessControlAllowMethods: { Quantity: 2, Items: ['GET', 'HEAD'] },
      AccessControlAllowCredentials: true,
      OriginOverride: true,
      AccessControlExposeHeaders: { Quantity: 1, Items: ['CMSD-Static'] },
      AccessControlMaxAgeSec: 600,
    },
    SecurityHeadersConfig: {
      XSSProtection: { Override: true, Protection: true, ModeBlock: true },
      FrameOptions: { Override: true, FrameOption: 'SAMEORIGIN' },
      ReferrerPolicy: { Override: false, ReferrerPolicy: 'same-origin' },
      ContentSecurityPolicy: { Override: true, ContentSecurityPolicy: "default-src 'self'" },
      ContentTypeOptions: { Override: true },
      StrictTransportSecurity: {
        ...{ Override: true, AccessControlMaxAgeSec: 60, IncludeSubdomains: true, Preload: false },
      },
    },
    ServerTimingHeadersConfig: { Enabled: true, SamplingRate: 50 },
    CustomHeadersConfig: { Quantity: 1, Items: [{ Header: 'X-Mine', Value: 'a', Override: true }] },
    RemoveHeadersConfig: { Quantity: 1, Items: [{ Header: 'X-Theirs' }] },
  }

  test('is made, changed, listed and deleted', async () => {
    const made = await send(
      new api.CreateResponseHeadersPolicyCommand({ ResponseHeadersPolicyConfig: config }),
    )
    const Id = made.ResponseHeadersPolicy?.Id
    expect(made.ResponseHeadersPolicy?.ResponseHeadersPolicyConfig).toEqual(config)
    const other = { ...config, Comment: 'changed' }
    const updated = await send(
      new api.UpdateResponseHeadersPolicyCommand({
        ...{ Id, IfMatch: made.ETag, ResponseHeadersPolicyConfig: other },
      }),
    )
    const read = await send(new api.GetResponseHeadersPolicyCommand({ Id }))
    expect([read.ETag, read.ResponseHeadersPolicy?.ResponseHeadersPolicyConfig]).toEqual([
      updated.ETag,
      other,
    ])
    const shown = await send(new api.GetResponseHeadersPolicyConfigCommand({ Id }))
    expect(shown.ResponseHeadersPolicyConfig).toEqual(other)
    const { ResponseHeadersPolicyList: list } = await send(
      new api.ListResponseHeadersPoliciesCommand({ Type: 'custom' }),
    )
    expect(list?.Items?.map(each => each.ResponseHeadersPolicy?.Id)).toEqual([Id])
    await send(new api.DeleteResponseHeadersPolicyCommand({ Id, IfMatch: updated.ETag }))
    expect(await errorOf(send(new api.GetResponseHeadersPolicyCommand({ Id })))).toBe(
      'NoSuchResponseHeadersPolicy 404',
    )
  })

  test('lets no page at all read with credentials', async () => {
    const any = {
      ...config,
      CorsConfig: config.CorsConfig && {
        ...config.CorsConfig,
        AccessControlAllowOrigins: { Quantity: 1, Items: ['*'] },
      },
    }
    expect(
      await errorOf(send(new api.CreateResponseHeadersPolicyCommand({ ResponseHeadersPolicyConfig: any }))),
    ).toBe('InvalidArgument 400')
  })
})

describe('an origin access control', () => {
  const config: api.OriginAccessControlConfig = {
    ...{ Name: 'store', Description: '', SigningProtocol: 'sigv4', SigningBehavior: 'always' },
    OriginAccessControlOriginType: 's3',
  }
  const bucket = (OriginAccessControlId: string, CallerReference: string): api.DistributionConfig => ({
    ...smallConfig({ CallerReference }),
    Origins: {
      Quantity: 1,
      Items: [
        {
          ...{ Id: 'site', DomainName: 'films.s3.eu-central-1.amazonaws.com', OriginAccessControlId },
          S3OriginConfig: { OriginAccessIdentity: '' },
        },
      ],
    },
  })
  const distribute = (config: api.DistributionConfig): Promise<api.CreateDistributionCommandOutput> =>
    send(new api.CreateDistributionCommand({ DistributionConfig: config }))

  test('serves no origin until there are credentials, and then signs with them', async () => {
    const made = await send(new api.CreateOriginAccessControlCommand({ OriginAccessControlConfig: config }))
    const Id = made.OriginAccessControl?.Id ?? ''
    expect(made.OriginAccessControl?.OriginAccessControlConfig).toEqual(config)
    expect(await errorOf(distribute(bucket(Id, 'without')))).toBe('InvalidOriginAccessControl 400')
    const { client } = under.control
    await client.createOriginAccess({
      ...{ name: 'default', credentials: { accessKeyId: 'AK', secretAccessKey: 'secret' } },
    })
    const { Distribution: distribution } = await distribute(bucket(Id, 'with'))
    const info = (await client.distributions()).find(each => each.id === distribution?.Id)
    expect(info?.origins[0]).toMatchObject({ kind: 's3', bucket: 'films', access: Id })
    expect((await client.originAccess()).find(each => each.id === Id)).toEqual({
      ...{ id: Id, name: 'store', kind: 'control', signing: 'always', accessKeyId: 'AK' },
    })
    const { ETag } = await send(new api.GetOriginAccessControlCommand({ Id }))
    expect(await errorOf(send(new api.DeleteOriginAccessControlCommand({ Id, IfMatch: ETag })))).toBe(
      'OriginAccessControlInUse 409',
    )
  })

  test('takes the credentials that its description names, and is changed and deleted', async () => {
    const { client } = under.control
    await client.createOriginAccess({
      ...{ name: 'second', credentials: { accessKeyId: 'AK2', secretAccessKey: 'secret' } },
    })
    const named = { ...config, Name: 'named', Description: 'credentials=second' }
    const made = await send(new api.CreateOriginAccessControlCommand({ OriginAccessControlConfig: named }))
    const Id = made.OriginAccessControl?.Id
    const own = async (): Promise<unknown> => (await client.originAccess()).find(each => each.id === Id)
    expect(await own()).toMatchObject({ accessKeyId: 'AK2' })
    const never = { ...named, SigningBehavior: 'never' } as const
    const updated = await send(
      new api.UpdateOriginAccessControlCommand({ Id, IfMatch: made.ETag, OriginAccessControlConfig: never }),
    )
    expect(await own()).toMatchObject({ signing: 'never', accessKeyId: null })
    const shown = await send(new api.GetOriginAccessControlConfigCommand({ Id }))
    expect([shown.ETag, shown.OriginAccessControlConfig]).toEqual([updated.ETag, never])
    await send(new api.DeleteOriginAccessControlCommand({ Id, IfMatch: updated.ETag }))
    expect(await errorOf(send(new api.GetOriginAccessControlCommand({ Id })))).toBe(
      'NoSuchOriginAccessControl 404',
    )
    const list = await send(new api.ListOriginAccessControlsCommand({}))
    expect(list.OriginAccessControlList?.Items?.map(each => each.Name).sort()).toEqual(
      (await client.originAccess())
        .filter(each => each.kind === 'control')
        .map(each => each.name)
        .sort(),
    )
  })

  test('is for buckets alone', async () => {
    const lambda = { ...config, Name: 'lambda', OriginAccessControlOriginType: 'lambda' } as const
    expect(
      await errorOf(send(new api.CreateOriginAccessControlCommand({ OriginAccessControlConfig: lambda }))),
    ).toBe('InvalidArgument 400')
  })
})

describe('an origin access identity', () => {
  test('is made, used, changed and deleted', async () => {
    const { client } = under.control
    await client
      .createOriginAccess({ name: 'default', credentials: { accessKeyId: 'AK', secretAccessKey: 's' } })
      .catch(() => undefined)
    const config = { CallerReference: 'oai', Comment: 'c' }
    const made = await send(
      new api.CreateCloudFrontOriginAccessIdentityCommand({ CloudFrontOriginAccessIdentityConfig: config }),
    )
    const Id = made.CloudFrontOriginAccessIdentity?.Id
    expect(made.CloudFrontOriginAccessIdentity).toMatchObject({
      ...{ S3CanonicalUserId: Id, CloudFrontOriginAccessIdentityConfig: config },
    })
    const { Distribution: distribution } = await send(
      new api.CreateDistributionCommand({
        DistributionConfig: {
          ...smallConfig({ CallerReference: 'by identity' }),
          Origins: {
            Quantity: 1,
            Items: [
              {
                ...{ Id: 'site', DomainName: 'films.s3.amazonaws.com' },
                S3OriginConfig: { OriginAccessIdentity: `origin-access-identity/cloudfront/${Id}` },
              },
            ],
          },
        },
      }),
    )
    expect(distribution?.DistributionConfig?.Origins?.Items?.[0]?.S3OriginConfig).toEqual({
      OriginAccessIdentity: `origin-access-identity/cloudfront/${Id}`,
    })
    const remove = (IfMatch: string | undefined): Promise<unknown> =>
      send(new api.DeleteCloudFrontOriginAccessIdentityCommand({ Id, IfMatch }))
    expect(await errorOf(remove(made.ETag))).toBe('CloudFrontOriginAccessIdentityInUse 409')
    const other = { ...config, Comment: 'changed' }
    const updated = await send(
      new api.UpdateCloudFrontOriginAccessIdentityCommand({
        ...{ Id, IfMatch: made.ETag, CloudFrontOriginAccessIdentityConfig: other },
      }),
    )
    const read = await send(new api.GetCloudFrontOriginAccessIdentityCommand({ Id }))
    expect(read.ETag).toBe(updated.ETag)
    const shown = await send(new api.GetCloudFrontOriginAccessIdentityConfigCommand({ Id }))
    expect(shown.CloudFrontOriginAccessIdentityConfig).toEqual(other)
    const { CloudFrontOriginAccessIdentityList: list } = await send(
      new api.ListCloudFrontOriginAccessIdentitiesCommand({}),
    )
    expect(list).toMatchObject({ IsTruncated: false, Quantity: 1, Items: [{ Id, Comment: 'changed' }] })
    await send(
      new api.UpdateDistributionCommand({
        ...{
          Id: distribution?.Id,
          IfMatch: (await send(new api.GetDistributionCommand({ Id: distribution?.Id }))).ETag,
        },
        DistributionConfig: smallConfig({ CallerReference: 'by identity' }),
      }),
    )
    await remove(updated.ETag)
    expect(await errorOf(send(new api.GetCloudFrontOriginAccessIdentityCommand({ Id })))).toBe(
      'NoSuchCloudFrontOriginAccessIdentity 404',
    )
  })
})

const OTHER = 'function handler() { return { statusCode: 204 } }'

describe('a function', () => {
  test('is kept in two stages', async () => {
    const FunctionConfig = { Comment: 'rewrite', Runtime: 'cloudfront-js-2.0' } as const
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    const made = await send(new api.CreateFunctionCommand({ Name: 'f1', FunctionConfig, FunctionCode }))
    const arn = 'arn:aws:cloudfront::000000000000:function/f1'
    expect(made.FunctionSummary).toMatchObject({
      ...{ Name: 'f1', Status: 'UNPUBLISHED', FunctionConfig },
      FunctionMetadata: { FunctionARN: arn, Stage: 'DEVELOPMENT' },
    })
    const live = { Name: 'f1', Stage: 'LIVE' } as const
    expect(await errorOf(send(new api.DescribeFunctionCommand(live)))).toBe('NoSuchFunctionExists 404')
    const updated = await send(
      new api.UpdateFunctionCommand({
        ...{ Name: 'f1', IfMatch: made.ETag, FunctionConfig },
        FunctionCode: Buffer.from(OTHER),
      }),
    )
    expect(
      await errorOf(
        send(new api.UpdateFunctionCommand({ Name: 'f1', IfMatch: made.ETag, FunctionConfig, FunctionCode })),
      ),
    ).toBe('PreconditionFailed 412')
    await send(new api.PublishFunctionCommand({ Name: 'f1', IfMatch: updated.ETag }))
    const described = await send(new api.DescribeFunctionCommand(live))
    expect(described.FunctionSummary).toMatchObject({ FunctionMetadata: { Stage: 'LIVE' } })
    const got = await send(new api.GetFunctionCommand(live))
    expect(Buffer.from(got.FunctionCode ?? []).toString()).toBe(OTHER)
    const { FunctionList: list } = await send(new api.ListFunctionsCommand({ Stage: 'LIVE' }))
    expect(list).toMatchObject({ Quantity: 1, Items: [{ Name: 'f1' }] })
    const test = { Name: 'f1', IfMatch: updated.ETag, EventObject: Buffer.from('{}') }
    expect(await errorOf(send(new api.TestFunctionCommand(test)))).toBe('InvalidArgument 400')
    const large = { Name: 'large', FunctionConfig, FunctionCode: Buffer.alloc(10_241, 'a') }
    expect(await errorOf(send(new api.CreateFunctionCommand(large)))).toBe('FunctionSizeLimitExceeded 413')
    await send(new api.DeleteFunctionCommand({ Name: 'f1', IfMatch: updated.ETag }))
    expect(await errorOf(send(new api.GetFunctionCommand(live)))).toBe('NoSuchFunctionExists 404')
  })
})

describe('field-level encryption', () => {
  test('stands in profiles and configurations that name each other', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    const key = await newKey('fields', rsa.export({ type: 'spki', format: 'pem' }).toString())
    const profileConfig = {
      ...{ Name: 'cards', CallerReference: 'cards', Comment: '' },
      EncryptionEntities: {
        Quantity: 1,
        Items: [
          {
            ...{ PublicKeyId: key.id, ProviderId: 'shop' },
            FieldPatterns: { Quantity: 1, Items: ['card_*'] },
          },
        ],
      },
    }
    const made = await send(
      new api.CreateFieldLevelEncryptionProfileCommand({ FieldLevelEncryptionProfileConfig: profileConfig }),
    )
    const profile = made.FieldLevelEncryptionProfile?.Id ?? ''
    expect(await errorOf(send(new api.DeletePublicKeyCommand({ Id: key.id, IfMatch: key.etag })))).toBe(
      'PublicKeyInUse 409',
    )
    const changed = { ...profileConfig, Comment: 'changed' }
    const updated = await send(
      new api.UpdateFieldLevelEncryptionProfileCommand({
        ...{ Id: profile, IfMatch: made.ETag, FieldLevelEncryptionProfileConfig: changed },
      }),
    )
    const read = await send(new api.GetFieldLevelEncryptionProfileCommand({ Id: profile }))
    expect(read.FieldLevelEncryptionProfile?.FieldLevelEncryptionProfileConfig).toEqual(changed)
    const shown = await send(new api.GetFieldLevelEncryptionProfileConfigCommand({ Id: profile }))
    expect([shown.ETag, shown.FieldLevelEncryptionProfileConfig]).toEqual([updated.ETag, changed])
    const profiles = await send(new api.ListFieldLevelEncryptionProfilesCommand({}))
    expect(profiles.FieldLevelEncryptionProfileList?.Items?.[0]).toMatchObject({ Id: profile, Name: 'cards' })

    const config = {
      ...{ CallerReference: 'fields', Comment: '' },
      ContentTypeProfileConfig: {
        ForwardWhenContentTypeIsUnknown: true,
        ContentTypeProfiles: {
          Quantity: 1,
          Items: [
            {
              ...{ Format: 'URLEncoded' as const, ProfileId: profile },
              ContentType: 'application/x-www-form-urlencoded',
            },
          ],
        },
      },
    }
    const whole = await send(
      new api.CreateFieldLevelEncryptionConfigCommand({ FieldLevelEncryptionConfig: config }),
    )
    const Id = whole.FieldLevelEncryption?.Id
    const removeProfile = (): Promise<unknown> =>
      send(new api.DeleteFieldLevelEncryptionProfileCommand({ Id: profile, IfMatch: updated.ETag }))
    expect(await errorOf(removeProfile())).toBe('FieldLevelEncryptionProfileInUse 409')
    const other = { ...config, Comment: 'changed' }
    const next = await send(
      new api.UpdateFieldLevelEncryptionConfigCommand({
        ...{ Id, IfMatch: whole.ETag, FieldLevelEncryptionConfig: other },
      }),
    )
    const got = await send(new api.GetFieldLevelEncryptionCommand({ Id }))
    expect(got.FieldLevelEncryption?.FieldLevelEncryptionConfig).toEqual(other)
    const gotConfig = await send(new api.GetFieldLevelEncryptionConfigCommand({ Id }))
    expect(gotConfig.ETag).toBe(next.ETag)
    const list = await send(new api.ListFieldLevelEncryptionConfigsCommand({}))
    expect(list.FieldLevelEncryptionList?.Items?.map(each => each.Id)).toEqual([Id])
    await send(new api.DeleteFieldLevelEncryptionConfigCommand({ Id, IfMatch: next.ETag }))
    await removeProfile()
    expect(await errorOf(send(new api.GetFieldLevelEncryptionCommand({ Id })))).toBe(
      'NoSuchFieldLevelEncryptionConfig 404',
    )
  })
})

/** What stays the same of a config that is sent again. */
function pick(config: api.DistributionConfig | undefined): Pick<api.DistributionConfig, 'CallerReference'> {
  return { CallerReference: config?.CallerReference }
}
