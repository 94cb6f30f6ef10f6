import {
  CreateDistributionCommand,
  CreateDistributionWithTagsCommand,
  CreateInvalidationCommand,
  CreateMonitoringSubscriptionCommand,
  DeleteDistributionCommand,
  DeleteMonitoringSubscriptionCommand,
  GetDistributionCommand,
  GetDistributionConfigCommand,
  GetInvalidationCommand,
  GetMonitoringSubscriptionCommand,
  ListDistributionsByCachePolicyIdCommand,
  ListDistributionsByKeyGroupCommand,
  ListDistributionsByOriginRequestPolicyIdCommand,
  ListDistributionsByResponseHeadersPolicyIdCommand,
  ListDistributionsByWebACLIdCommand,
  ListDistributionsCommand,
  ListInvalidationsCommand,
  ListTagsForResourceCommand,
  paginateListDistributions,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateDistributionCommand,
  waitUntilDistributionDeployed,
  waitUntilInvalidationCompleted,
  type CloudFrontClient,
  type CreateDistributionCommandOutput,
} from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DistributionConfig } from '../../../src/control/cloudfront/shapes.ts'
import { acknowledge, clientOf, errorOf, openControl, type UnderTest } from './control-under-test.ts'
import { OPTIMIZED, smallConfig, withBehaviour, withOrigin } from './documents.ts'

let under: UnderTest

beforeAll(async () => {
  under = await openControl()
}, 60_000)

afterAll(() => under.control.end())

let references = 0

function create(config: DistributionConfig): Promise<CreateDistributionCommandOutput> {
  const CallerReference = `reference-${++references}`
  return under.cloudFront.send(
    new CreateDistributionCommand({ DistributionConfig: { ...config, CallerReference } }),
  )
}

async function made(
  config: DistributionConfig,
): Promise<{ id: string; etag: string; config: DistributionConfig }> {
  const { Distribution: distribution, ETag: etag = '' } = await create(config)
  if (distribution?.DistributionConfig === undefined) throw new Error('nothing was made')
  return { id: distribution.Id ?? '', etag, config: distribution.DistributionConfig }
}

async function update(
  id: string,
  etag: string | undefined,
  config: DistributionConfig,
): Promise<{ etag: string; config: DistributionConfig | undefined }> {
  const answer = await under.cloudFront.send(
    new UpdateDistributionCommand({ Id: id, IfMatch: etag, DistributionConfig: config }),
  )
  return { etag: answer.ETag ?? '', config: answer.Distribution?.DistributionConfig }
}

describe('a distribution', () => {
  test('is made with all that CloudFront fills in, and read again as it was answered', async () => {
    const { Distribution: distribution, ETag, Location, $metadata } = await create(smallConfig())
    const id = distribution?.Id ?? ''
    expect($metadata.httpStatusCode).toBe(201)
    expect(Location).toBe(`/2020-05-31/distribution/${id}`)
    expect(distribution).toMatchObject({
      ARN: `arn:aws:cloudfront::000000000000:distribution/${id}`,
      DomainName: `${id.toLowerCase()}.cdn.localhost`,
      ActiveTrustedKeyGroups: { Enabled: false, Quantity: 0 },
      DistributionConfig: {
        ...{ PriceClass: 'PriceClass_All', HttpVersion: 'http2', WebACLId: '', Enabled: true },
        ViewerCertificate: { CloudFrontDefaultCertificate: true, MinimumProtocolVersion: 'TLSv1' },
        Restrictions: { GeoRestriction: { RestrictionType: 'none', Quantity: 0 } },
        DefaultCacheBehavior: { CachePolicyId: OPTIMIZED, AllowedMethods: { Quantity: 2 } },
      },
    })
    const read = await under.cloudFront.send(new GetDistributionCommand({ Id: id }))
    expect(read.Distribution?.DistributionConfig).toEqual(distribution?.DistributionConfig)
    const config = await under.cloudFront.send(new GetDistributionConfigCommand({ Id: id }))
    expect(config.DistributionConfig).toEqual(distribution?.DistributionConfig)
    expect([read.ETag, config.ETag]).toEqual([ETag, ETag])
  })

  test('is what nodes follow', async () => {
    const { id } = await made(smallConfig())
    const info = (await under.control.client.distributions()).find(each => each.id === id)
    expect(info).toMatchObject({
      ...{ enabled: true, aliases: [], fallback: false },
      origins: [{ id: 'site', kind: 'http', url: 'https://site.example' }],
      behaviours: [{ pattern: '*', policies: { cache: OPTIMIZED }, ttl: { minimum: 1 } }],
    })
  })

  test('is made once for each reference of its caller', async () => {
    const config = { ...smallConfig(), CallerReference: 'the same' }
    const command = (): CreateDistributionCommand =>
      new CreateDistributionCommand({ DistributionConfig: config })
    await under.cloudFront.send(command())
    expect(await errorOf(under.cloudFront.send(command()))).toBe('DistributionAlreadyExists 409')
  })

  test('is changed by who has seen its newest state, and by nobody else', async () => {
    const { id, etag, config } = await made(smallConfig())
    const changed = await update(id, etag, { ...config, Comment: 'changed' })
    expect(changed.config).toEqual({ ...config, Comment: 'changed' })
    expect(changed.etag).not.toBe(etag)
    expect(await errorOf(update(id, etag, config))).toBe('PreconditionFailed 412')
    expect(await errorOf(update(id, undefined, config))).toBe('InvalidIfMatchVersion 400')
    expect(await errorOf(update('E0NOTTHERE000', etag, config))).toBe('NoSuchDistribution 404')
    const other = { ...config, CallerReference: 'another' }
    expect(await errorOf(update(id, changed.etag, other))).toBe('IllegalUpdate 400')
  })

  test('is changed once by two at the same time', async () => {
    const { id, etag, config } = await made(smallConfig())
    const both = await Promise.all(
      ['one', 'other'].map(Comment => errorOf(update(id, etag, { ...config, Comment }))),
    )
    expect(both.sort()).toEqual(['PreconditionFailed 412', undefined])
  })

  test('is deleted when it is switched off, and is gone then', async () => {
    const { id, etag, config } = await made(smallConfig())
    const remove = (IfMatch: string): Promise<string | undefined> =>
      errorOf(under.cloudFront.send(new DeleteDistributionCommand({ Id: id, IfMatch })))
    expect(await remove(etag)).toBe('DistributionNotDisabled 409')
    const disabled = await update(id, etag, { ...config, Enabled: false })
    expect(await remove(etag)).toBe('PreconditionFailed 412')
    expect(await remove(disabled.etag)).toBeUndefined()
    expect(await errorOf(under.cloudFront.send(new GetDistributionCommand({ Id: id })))).toBe(
      'NoSuchDistribution 404',
    )
    // Its reference went with it.
    await create({ ...smallConfig(), CallerReference: config.CallerReference })
  })

  test('is refused whole, under CloudFront’s word for what is wrong', async () => {
    const before = await under.control.client.distributions()
    const refused = async (config: DistributionConfig): Promise<string | undefined> => errorOf(create(config))
    expect(await refused(smallConfig({ WebACLId: 'x' }))).toBe('InvalidWebACLId 400')
    expect(await refused(withBehaviour({ TargetOriginId: 'x' }))).toBe('NoSuchOrigin 404')
    expect(await refused(withBehaviour({ CachePolicyId: 'x' }))).toBe('InvalidArgument 400')
    expect(
      await refused(withBehaviour({ TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: ['x'] } })),
    ).toBe('TrustedKeyGroupDoesNotExist 400')
    expect(await refused(smallConfig({ Aliases: { Quantity: 1, Items: ['not a name'] } }))).toBe(
      'InvalidArgument 400',
    )
    expect(await refused(smallConfig({ Comment: 'c'.repeat(129) }))).toBe('InvalidArgument 400')
    expect(await refused(withOrigin({ ConnectionTimeout: 2.5 }))).toBe('InvalidArgument 400')
    expect(await refused(withOrigin({ DomainName: 'no host' }))).toBe('InvalidOrigin 400')
    await made(smallConfig({ Aliases: { Quantity: 1, Items: ['taken.example'] } }))
    expect(await refused(smallConfig({ Aliases: { Quantity: 1, Items: ['taken.example'] } }))).toBe(
      'CNAMEAlreadyExists 409',
    )
    expect(await under.control.client.distributions()).toHaveLength(before.length + 1)
  })

  test('says what is kept without an effect, in a field of the answer', async () => {
    const told: (string | undefined)[] = []
    const listening = await clientOf(under.control, ['admin'])
    listening.middlewareStack.add(
      next => async args => {
        const result = await next(args)
        told.push((result.response as { headers: Record<string, string> }).headers['x-sluice-notice'])
        return result
      },
      { step: 'deserialize' },
    )
    const config = { ...smallConfig({ IsIPV6Enabled: false }), CallerReference: 'noticed' }
    await listening.send(new CreateDistributionCommand({ DistributionConfig: config }))
    expect(told).toEqual([expect.stringContaining('IsIPV6Enabled: kept')])
  })
})

describe('values of secret headers', () => {
  const secret = withOrigin({
    CustomHeaders: { Quantity: 1, Items: [{ HeaderName: 'X-Secret', HeaderValue: 's3cret' }] },
  })

  test('are told to those who may set them, and to nobody else', async () => {
    const { id } = await made(secret)
    const header = async (scope: 'admin' | 'read'): Promise<unknown> => {
      const client = await clientOf(under.control, [scope])
      const { DistributionConfig: config } = await client.send(new GetDistributionConfigCommand({ Id: id }))
      return config?.Origins?.Items?.[0]?.CustomHeaders?.Items
    }
    expect(await header('admin')).toEqual([{ HeaderName: 'X-Secret', HeaderValue: 's3cret' }])
    expect(await header('read')).toEqual([{ HeaderName: 'X-Secret', HeaderValue: '' }])
  })

  test('that are changed elsewhere are those that are shown', async () => {
    const { id } = await made(secret)
    const { client } = under.control
    const info = (await client.distributions()).find(each => each.id === id)
    if (info === undefined) throw new Error('it is not there')
    await client.replaceDistribution(id, {
      ...{
        origins: [{ url: 'https://site.example', id: 'site', headers: [{ name: 'X-Secret', value: 'new' }] }],
      },
      behaviours: info.behaviours,
    })
    const { DistributionConfig: config } = await under.cloudFront.send(
      new GetDistributionConfigCommand({ Id: id }),
    )
    expect(config?.Origins?.Items?.[0]?.CustomHeaders?.Items?.[0]?.HeaderValue).toBe('new')
  })
})

describe('a distribution of the command line', () => {
  test('is seen here, and changed from here, and what has no words here stays', async () => {
    const { client } = under.control
    const { distribution } = await client.createDistribution({
      origin: 'https://cli.example',
      behaviours: [{ pattern: '*', forward: ['x-name'], corsOrigins: ['https://app.example'] }],
    })
    const { id } = distribution
    const seen = await under.cloudFront.send(new GetDistributionConfigCommand({ Id: id }))
    expect(seen.DistributionConfig).toMatchObject({
      CallerReference: id,
      Origins: {
        Items: [{ DomainName: 'cli.example', CustomOriginConfig: { OriginProtocolPolicy: 'https-only' } }],
      },
    })
    const config = seen.DistributionConfig
    if (config === undefined) throw new Error('it has no config')
    await update(id, seen.ETag, { ...config, Comment: 'from CloudFront' })
    const now = (await client.distributions()).find(each => each.id === id)
    expect(now).toEqual({ ...distribution, comment: 'from CloudFront' })
  })

  test('that is changed there is shown here as it is now, with what was kept', async () => {
    const { id, etag, config } = await made(smallConfig({ PriceClass: 'PriceClass_200' }))
    const { client } = under.control
    const info = (await client.distributions()).find(each => each.id === id)
    if (info === undefined) throw new Error('it is not there')
    const { fallback: _, ...input } = { ...info, comment: 'from the command line' }
    expect(_).toBe(false)
    await client.replaceDistribution(id, input)
    const seen = await under.cloudFront.send(new GetDistributionConfigCommand({ Id: id }))
    expect(seen.DistributionConfig).toMatchObject({
      ...{ Comment: 'from the command line', PriceClass: 'PriceClass_200' },
      CallerReference: config.CallerReference,
    })
    expect(await errorOf(update(id, etag, config))).toBe('PreconditionFailed 412')
  })
})

describe('lists of distributions', () => {
  test('come in pages that lack and repeat nothing', async () => {
    for (let n = 0; n < 3; n++) await made(smallConfig())
    const all = (await under.control.client.distributions()).map(each => each.id)
    const paged: string[] = []
    for await (const page of paginateListDistributions({ client: under.cloudFront, pageSize: 2 }, {})) {
      const { Items = [], Quantity = 0, MaxItems } = page.DistributionList ?? {}
      expect([Items.length, MaxItems]).toEqual([Quantity, 2])
      paged.push(...Items.flatMap(each => each.Id ?? []))
    }
    expect(paged.sort()).toEqual([...all].sort())
  })

  test('hold what the distribution holds', async () => {
    const { id, config, etag } = await made(smallConfig({ Comment: 'listed' }))
    const { DistributionList: list } = await under.cloudFront.send(new ListDistributionsCommand({}))
    const found = list?.Items?.find(each => each.Id === id)
    expect(found).toMatchObject({
      ...{ Comment: 'listed', ETag: etag, Origins: config.Origins, Staging: false },
      DefaultCacheBehavior: config.DefaultCacheBehavior,
    })
  })

  test('are made by what distributions name', async () => {
    const { client } = under.control
    const group = (await client.keyGroups())[0]?.id ?? ''
    const { id } = await made(
      withBehaviour({
        TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: [group] },
        OriginRequestPolicyId: '59781a5b-3903-41f3-afcb-af62929ccde1',
        ResponseHeadersPolicyId: '60669652-455b-4ae9-85a4-c4c02393f86c',
      }),
    )
    const lists = await Promise.all([
      under.cloudFront.send(new ListDistributionsByCachePolicyIdCommand({ CachePolicyId: OPTIMIZED })),
      under.cloudFront.send(
        new ListDistributionsByOriginRequestPolicyIdCommand({
          OriginRequestPolicyId: '59781a5b-3903-41f3-afcb-af62929ccde1',
        }),
      ),
      under.cloudFront.send(
        new ListDistributionsByResponseHeadersPolicyIdCommand({
          ResponseHeadersPolicyId: '60669652-455b-4ae9-85a4-c4c02393f86c',
        }),
      ),
      under.cloudFront.send(new ListDistributionsByKeyGroupCommand({ KeyGroupId: group })),
    ])
    for (const { DistributionIdList: list } of lists) expect(list?.Items).toContain(id)
    const none = await under.cloudFront.send(new ListDistributionsByWebACLIdCommand({ WebACLId: 'null' }))
    expect(none.DistributionList?.Items?.map(each => each.Id)).toContain(id)
    expect(
      await errorOf(
        under.cloudFront.send(new ListDistributionsByCachePolicyIdCommand({ CachePolicyId: 'x' })),
      ),
    ).toBe('NoSuchCachePolicy 404')
  })
})

/** How the client waits: it looks at once, and then seldom. */
function waiting(): { client: CloudFrontClient; minDelay: number; maxWaitTime: number } {
  return { client: under.cloudFront, minDelay: 1, maxWaitTime: 60 }
}

describe('the status', () => {
  test('is Deployed when every live node has the change, and no sooner', async () => {
    await acknowledge(under.control)
    const { id, etag, config } = await made(smallConfig())
    const status = async (): Promise<string | undefined> =>
      (await under.cloudFront.send(new GetDistributionCommand({ Id: id }))).Distribution?.Status
    expect(await status()).toBe('InProgress')
    await acknowledge(under.control)
    expect(await status()).toBe('Deployed')
    await update(id, etag, { ...config, Comment: 'again' })
    expect(await status()).toBe('InProgress')
    await acknowledge(under.control)
    await waitUntilDistributionDeployed(waiting(), { Id: id })
  })

  test('of an invalidation is Completed when every live node has it', async () => {
    const { id } = await made(smallConfig())
    await acknowledge(under.control)
    const batch = { CallerReference: 'inv-1', Paths: { Quantity: 2, Items: ['/vod/*', '/a b.m3u8'] } }
    const command = new CreateInvalidationCommand({ DistributionId: id, InvalidationBatch: batch })
    const { Invalidation: invalidation, Location } = await under.cloudFront.send(command)
    const { Id: inv = '' } = invalidation ?? {}
    expect(invalidation).toMatchObject({
      Status: 'InProgress',
      InvalidationBatch: { CallerReference: 'inv-1', Paths: { Items: ['/vod/*', '/a%20b.m3u8'] } },
    })
    expect(Location).toBe(`/2020-05-31/distribution/${id}/invalidation/${inv}`)
    const { Distribution: distribution } = await under.cloudFront.send(new GetDistributionCommand({ Id: id }))
    expect(distribution?.InProgressInvalidationBatches).toBe(1)
    await acknowledge(under.control)
    const wanted = { DistributionId: id, Id: inv }
    await waitUntilInvalidationCompleted(waiting(), wanted)
    const read = await under.cloudFront.send(new GetInvalidationCommand(wanted))
    expect(read.Invalidation).toEqual({ ...invalidation, Status: 'Completed' })
  })
})

describe('an invalidation', () => {
  test('is the same for the same reference, and none for other paths under it', async () => {
    const { id } = await made(smallConfig())
    const { id: other } = await made(smallConfig())
    const ask = (distribution: string, path: string): Promise<string | undefined> =>
      under.cloudFront
        .send(
          new CreateInvalidationCommand({
            DistributionId: distribution,
            InvalidationBatch: { CallerReference: 'same', Paths: { Quantity: 1, Items: [path] } },
          }),
        )
        .then(({ Invalidation: invalidation }) => invalidation?.Id)
    const first = await ask(id, '/a')
    expect(await ask(id, '/a')).toBe(first)
    expect(await errorOf(ask(id, '/b'))).toBe('InvalidationBatchAlreadyExists 409')
    expect(await ask(other, '/a')).not.toBe(first)
    expect(await errorOf(ask('E0NOTTHERE000', '/a'))).toBe('NoSuchDistribution 404')
    expect(await errorOf(ask(id, '/a*b'))).toBe('InvalidArgument 400')
    expect(
      await errorOf(under.cloudFront.send(new GetInvalidationCommand({ DistributionId: id, Id: 'I0' }))),
    ).toBe('NoSuchInvalidation 404')
    const listed = await under.cloudFront.send(
      new ListInvalidationsCommand({ DistributionId: id, MaxItems: 5 }),
    )
    expect(listed.InvalidationList?.Items?.map(each => each.Id)).toEqual([first])
  })

  test('may be asked for by a key that may do nothing else', async () => {
    const { id } = await made(smallConfig())
    const purger = await clientOf(under.control, ['purge'])
    const batch = { CallerReference: 'ci', Paths: { Quantity: 1, Items: ['/*'] } }
    await purger.send(new CreateInvalidationCommand({ DistributionId: id, InvalidationBatch: batch }))
    expect(
      await errorOf(
        purger.send(new CreateDistributionCommand({ DistributionConfig: smallConfig({ Comment: 'x' }) })),
      ),
    ).toBe('AccessDenied 403')
  })
})

describe('tags', () => {
  test('come with a distribution, and are added and taken away', async () => {
    const { Distribution: distribution } = await under.cloudFront.send(
      new CreateDistributionWithTagsCommand({
        DistributionConfigWithTags: {
          DistributionConfig: { ...smallConfig(), CallerReference: 'tagged' },
          Tags: { Items: [{ Key: 'env', Value: 'prod' }] },
        },
      }),
    )
    const Resource = distribution?.ARN
    const tags = async (): Promise<unknown> =>
      (await under.cloudFront.send(new ListTagsForResourceCommand({ Resource }))).Tags?.Items
    expect(await tags()).toEqual([{ Key: 'env', Value: 'prod' }])
    const more = {
      Items: [
        { Key: 'team', Value: 'media' },
        { Key: 'env', Value: 'test' },
      ],
    }
    await under.cloudFront.send(new TagResourceCommand({ Resource, Tags: more }))
    await under.cloudFront.send(new UntagResourceCommand({ Resource, TagKeys: { Items: ['team'] } }))
    expect(await tags()).toEqual([{ Key: 'env', Value: 'test' }])
    const wrong = { Items: [{ Key: 'aws:x', Value: '' }] }
    expect(await errorOf(under.cloudFront.send(new TagResourceCommand({ Resource, Tags: wrong })))).toBe(
      'InvalidTagging 400',
    )
    expect(
      await errorOf(
        under.cloudFront.send(
          new ListTagsForResourceCommand({ Resource: 'arn:aws:cloudfront::0:distribution/E0NOTTHERE000' }),
        ),
      ),
    ).toBe('NoSuchResource 404')
  })
})

describe('a monitoring subscription', () => {
  test('is kept, and given back, and taken away', async () => {
    const { id } = await made(smallConfig())
    const MonitoringSubscription = {
      RealtimeMetricsSubscriptionConfig: { RealtimeMetricsSubscriptionStatus: 'Enabled' },
    } as const
    const asked = { DistributionId: id }
    const get = (): Promise<unknown> => under.cloudFront.send(new GetMonitoringSubscriptionCommand(asked))
    expect(await errorOf(get())).toBe('NoSuchMonitoringSubscription 404')
    const command = (): CreateMonitoringSubscriptionCommand =>
      new CreateMonitoringSubscriptionCommand({ ...asked, MonitoringSubscription })
    await under.cloudFront.send(command())
    expect(await errorOf(under.cloudFront.send(command()))).toBe('MonitoringSubscriptionAlreadyExists 409')
    expect(await get()).toMatchObject({ MonitoringSubscription })
    await under.cloudFront.send(new DeleteMonitoringSubscriptionCommand(asked))
    expect(await errorOf(get())).toBe('NoSuchMonitoringSubscription 404')
  })
})
