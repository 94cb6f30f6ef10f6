import * as api from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DistributionId } from '../../../src/core/index.ts'
import { ADMIN } from '../fixture.ts'
import { acknowledge, errorOf, openControl, type UnderTest } from './control-under-test.ts'
import { withBehaviour } from './documents.ts'

let under: UnderTest

beforeAll(async () => {
  under = await openControl()
}, 60_000)

afterAll(() => under.control.end())

const send: api.CloudFrontClient['send'] = (...args: [never]) => under.cloudFront.send(...args)

const FunctionConfig = { Comment: '', Runtime: 'cloudfront-js-2.0' } as const
const EVENT = {
  version: '1.0',
  context: { eventType: 'viewer-request' },
  viewer: { ip: '192.0.2.1' },
  request: { method: 'GET', uri: '/a', querystring: {}, headers: {}, cookies: {} },
}

describe('a key value store', () => {
  test('is made, described, changed, read by a function and deleted', async () => {
    const made = await send(new api.CreateKeyValueStoreCommand({ Name: 'words', Comment: 'of a test' }))
    const { Id: id = '', ARN: arn = '' } = made.KeyValueStore ?? {}
    expect(made.KeyValueStore).toMatchObject({ Name: 'words', Comment: 'of a test', Status: 'READY' })
    expect(arn).toBe(`arn:aws:cloudfront::000000000000:key-value-store/${id}`)
    expect(made.Location).toMatch(/key-value-store\/words$/)
    expect(await errorOf(send(new api.CreateKeyValueStoreCommand({ Name: 'words' })))).toBe(
      'EntityAlreadyExists 409',
    )
    const ImportSource = { SourceType: 'S3', SourceARN: 'arn:aws:s3:::bucket/a.json' } as const
    expect(await errorOf(send(new api.CreateKeyValueStoreCommand({ Name: 'from', ImportSource })))).toBe(
      'UnsupportedOperation 400',
    )
    const { ETag: first } = await send(new api.DescribeKeyValueStoreCommand({ Name: 'words' }))
    expect(first).toBe(made.ETag)
    const update = { Name: 'words', Comment: 'changed' }
    expect(await errorOf(send(new api.UpdateKeyValueStoreCommand({ ...update, IfMatch: 'EOLD' })))).toBe(
      'PreconditionFailed 412',
    )
    const changed = await send(new api.UpdateKeyValueStoreCommand({ ...update, IfMatch: first }))
    expect(changed.KeyValueStore).toMatchObject({ Id: id, Comment: 'changed' })
    const { KeyValueStoreList: list } = await send(new api.ListKeyValueStoresCommand({}))
    expect(list).toMatchObject({ Quantity: 1, Items: [{ Name: 'words' }] })

    await under.control.client.changeStore('words', { put: { word: 'hello' } })
    const code = `import cf from 'cloudfront'
      async function handler(event) {
        event.request.uri = '/' + await cf.kvs().get('word')
        console.log('to', event.request.uri)
        return event.request
      }`
    const KeyValueStoreAssociations = { Quantity: 1, Items: [{ KeyValueStoreARN: arn }] }
    const config = { ...FunctionConfig, KeyValueStoreAssociations }
    const FunctionCode = Buffer.from(code)
    const reads = await send(
      new api.CreateFunctionCommand({ Name: 'reads', FunctionConfig: config, FunctionCode }),
    )
    expect(reads.FunctionSummary?.FunctionConfig).toEqual(config)
    const { TestResult: result } = await send(
      new api.TestFunctionCommand({
        ...{ Name: 'reads', IfMatch: reads.ETag, EventObject: Buffer.from(JSON.stringify(EVENT)) },
      }),
    )
    expect(result).toMatchObject({
      ...{
        FunctionSummary: { Name: 'reads' },
        FunctionExecutionLogs: ['to /hello'],
        FunctionErrorMessage: '',
      },
    })
    expect(Number(result?.ComputeUtilization)).toBeGreaterThanOrEqual(0)
    expect(JSON.parse(result?.FunctionOutput ?? '')).toEqual({ request: { ...EVENT.request, uri: '/hello' } })
    const { ETag: etag } = await send(new api.DescribeKeyValueStoreCommand({ Name: 'words' }))
    const remove = { Name: 'words', IfMatch: etag }
    expect(await errorOf(send(new api.DeleteKeyValueStoreCommand(remove)))).toBe(
      'CannotDeleteEntityWhileInUse 409',
    )
    await send(new api.DeleteFunctionCommand({ Name: 'reads', IfMatch: reads.ETag }))
    await send(new api.DeleteKeyValueStoreCommand(remove))
    expect(await errorOf(send(new api.DescribeKeyValueStoreCommand({ Name: 'words' })))).toBe(
      'EntityNotFound 404',
    )
  })
})

describe('a function', () => {
  test('tells in a test why it failed, and what it answered', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return { statusCode: event.status.code } }')
    const { ETag: etag } = await send(
      new api.CreateFunctionCommand({ Name: 'f', FunctionConfig, FunctionCode }),
    )
    const tried = async (event: object): Promise<api.TestResult | undefined> => {
      const EventObject = Buffer.from(JSON.stringify({ ...EVENT, ...event }))
      return (await send(new api.TestFunctionCommand({ Name: 'f', IfMatch: etag, EventObject }))).TestResult
    }
    expect(await tried({ status: { code: 204 } })).toMatchObject({
      ...{ FunctionErrorMessage: '', FunctionOutput: '{"response":{"statusCode":204}}' },
    })
    const failed = await tried({})
    expect(failed?.FunctionErrorMessage).toContain('code')
    const bare = JSON.stringify({ ...EVENT, status: { code: 204 }, more: '' }).length
    const filled = { status: { code: 204 }, more: 'x'.repeat(40_960 - bare) }
    expect((await tried(filled))?.FunctionErrorMessage).toBe('')
    expect(await errorOf(tried({ ...filled, more: `${filled.more}x` }))).toBe('InvalidArgument 400')
    await send(new api.DeleteFunctionCommand({ Name: 'f', IfMatch: etag }))
  })

  test('that returns what is neither a request nor an answer says so in a test', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request.uri }')
    const { ETag } = await send(new api.CreateFunctionCommand({ Name: 'f', FunctionConfig, FunctionCode }))
    const asked = { Name: 'f', IfMatch: ETag, EventObject: Buffer.from(JSON.stringify(EVENT)) }
    const { TestResult: result } = await send(new api.TestFunctionCommand(asked))
    expect(result?.FunctionErrorMessage).toContain('returned no object')
    expect(result?.FunctionOutput).toBe('')
    await send(new api.DeleteFunctionCommand({ Name: 'f', IfMatch: ETag }))
  })

  test('is written on, tried, published and deleted by its newest tag alone', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    const asked = { Name: 'tagged', FunctionConfig, FunctionCode }
    const { ETag: old } = await send(new api.CreateFunctionCommand(asked))
    const { ETag } = await send(new api.UpdateFunctionCommand({ ...asked, IfMatch: old }))
    const EventObject = Buffer.from(JSON.stringify(EVENT))
    const errors = async (IfMatch: string | undefined): Promise<(string | undefined)[]> => [
      await errorOf(send(new api.TestFunctionCommand({ Name: 'tagged', IfMatch, EventObject }))),
      await errorOf(send(new api.PublishFunctionCommand({ Name: 'tagged', IfMatch }))),
      await errorOf(send(new api.DeleteFunctionCommand({ Name: 'tagged', IfMatch }))),
    ]
    expect(await errors(old)).toEqual(Array.from({ length: 3 }, () => 'PreconditionFailed 412'))
    expect(await errors(ETag)).toEqual([undefined, undefined, undefined])
  })

  test('reads one store at most, one that there is, and by runtime 2.0 alone', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    const stores = ['one', 'other'].map(async Name => {
      const { KeyValueStore, ETag } = await send(new api.CreateKeyValueStoreCommand({ Name }))
      return { Name, IfMatch: ETag, KeyValueStoreARN: KeyValueStore?.ARN ?? '' }
    })
    const made = await Promise.all(stores)
    const reading = (
      Items: { KeyValueStoreARN: string }[],
      Runtime: api.FunctionRuntime,
    ): Promise<unknown> => {
      const KeyValueStoreAssociations = { Quantity: Items.length, Items }
      const config = { ...FunctionConfig, Runtime, KeyValueStoreAssociations }
      return send(new api.CreateFunctionCommand({ Name: 'reader', FunctionConfig: config, FunctionCode }))
    }
    const arns = made.map(({ KeyValueStoreARN }) => ({ KeyValueStoreARN }))
    const none = [{ KeyValueStoreARN: `${arns[0]?.KeyValueStoreARN}x` }]
    expect(await errorOf(reading(arns, 'cloudfront-js-2.0'))).toBe('InvalidArgument 400')
    expect(await errorOf(reading(none, 'cloudfront-js-2.0'))).toBe('EntityNotFound 404')
    expect(await errorOf(reading(arns.slice(1), 'cloudfront-js-1.0'))).toBe('InvalidArgument 400')
    for (const { Name, IfMatch } of made) await send(new api.DeleteKeyValueStoreCommand({ Name, IfMatch }))
  })

  test('has a comment of 128 characters at most', async () => {
    const asked = {
      Name: 'told',
      FunctionCode: Buffer.from('function handler(event) { return event.request }'),
    }
    const config = (length: number): api.FunctionConfig => ({
      ...FunctionConfig,
      Comment: 'c'.repeat(length),
    })
    expect(
      await errorOf(send(new api.CreateFunctionCommand({ ...asked, FunctionConfig: config(129) }))),
    ).toBe('InvalidArgument 400')
    const { ETag } = await send(new api.CreateFunctionCommand({ ...asked, FunctionConfig: config(128) }))
    await send(new api.DeleteFunctionCommand({ Name: 'told', IfMatch: ETag }))
  })

  test('that is written on has not been published so, and what was published goes on being it', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    const asked = { Name: 'grows', FunctionConfig, FunctionCode }
    const statuses = async (): Promise<(string | undefined)[]> => {
      const shown = (['DEVELOPMENT', 'LIVE'] as const).map(async Stage => {
        const { FunctionSummary } = await send(new api.DescribeFunctionCommand({ Name: 'grows', Stage }))
        return FunctionSummary?.Status
      })
      return Promise.all(shown)
    }
    const made = await send(new api.CreateFunctionCommand(asked))
    expect(made.FunctionSummary?.Status).toBe('UNPUBLISHED')
    await send(new api.PublishFunctionCommand({ Name: 'grows', IfMatch: made.ETag }))
    expect(await statuses()).toEqual(['UNASSOCIATED', 'UNASSOCIATED'])
    const { ETag } = await send(new api.DescribeFunctionCommand({ Name: 'grows' }))
    const changed = await send(new api.UpdateFunctionCommand({ ...asked, IfMatch: ETag }))
    expect(await statuses()).toEqual(['UNPUBLISHED', 'UNASSOCIATED'])
    await send(new api.DeleteFunctionCommand({ Name: 'grows', IfMatch: changed.ETag }))
  })

  test('is published and described by several who waited for the database, and control goes on', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    const { ETag } = await send(
      new api.CreateFunctionCommand({ Name: 'beside', FunctionConfig, FunctionCode }),
    )
    const asked = { Name: 'beside', IfMatch: ETag }
    const { url, client } = under.control
    const items = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`k${at}`, 'v'.repeat(1_000)]))
    await client.createStore({ name: 'bulk', items })
    // A backup reads in one view and writes to a file meanwhile: all that is asked then stands in line behind it.
    const backup = fetch(`${url}/v1/backup`, { headers: { authorization: `Bearer ${ADMIN}` } })
    const waiting = Array.from({ length: 8 }, async () => {
      await send(new api.PublishFunctionCommand(asked))
      const { FunctionSummary } = await send(new api.DescribeFunctionCommand({ ...asked, Stage: 'LIVE' }))
      await send(new api.ListFunctionsCommand({ Stage: 'LIVE' }))
      return FunctionSummary?.Status
    })
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'UNASSOCIATED'))
    await (await backup).arrayBuffer()
    await send(new api.DeleteFunctionCommand(asked))
    await client.deleteStore('bulk')
  })
})

describe('what a behaviour runs', () => {
  const arn = (name: string): string => `arn:aws:cloudfront::000000000000:function/${name}`
  const lambda = (version: string): string => `arn:aws:lambda:us-east-1:000000000000:function:sign${version}`
  const own = (name: string, event: api.EventType = 'viewer-request'): Partial<api.CacheBehavior> => ({
    FunctionAssociations: { Quantity: 1, Items: [{ FunctionARN: arn(name), EventType: event }] },
  })
  const lambdas = (
    version: string,
    EventType: api.EventType = 'origin-request',
  ): Partial<api.CacheBehavior> => ({
    LambdaFunctionAssociations: {
      Quantity: 1,
      Items: [{ LambdaFunctionARN: lambda(version), EventType, IncludeBody: true }],
    },
  })
  const create = (behaviour: object): Promise<api.CreateDistributionCommandOutput> =>
    send(
      new api.CreateDistributionCommand({
        DistributionConfig: { ...withBehaviour(behaviour), CallerReference: JSON.stringify(behaviour) },
      }),
    )

  beforeAll(async () => {
    const { client } = under.control
    const code = 'exports.handler = async event => event.Records[0].cf.request'
    await client.createFunction({ name: 'sign', runtime: 'lambda-edge', code })
    await client.publishFunction('sign')
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    for (const Name of ['turn', 'draft']) {
      const { ETag } = await send(new api.CreateFunctionCommand({ Name, FunctionConfig, FunctionCode }))
      if (Name === 'turn') await send(new api.PublishFunctionCommand({ Name, IfMatch: ETag }))
    }
    await client.createFunction({ name: 'vast', runtime: 'lambda-edge', code: code.padEnd(2 ** 20 + 1) })
    await client.publishFunction('vast')
    const playlists = 'function handler(event) { return event.playlist }'
    await client.createFunction({ name: 'adverts', runtime: 'sluice-js-1', code: playlists })
    await client.publishFunction('adverts')
  })

  test('is named by ARNs, shown as it was sent, and runs', async () => {
    const behaviour = { ...own('turn'), ...lambdas(':1') }
    // From here on there is a node to wait for.
    await acknowledge(under.control)
    const { Distribution: made, ETag: etag } = await create(behaviour)
    const id = made?.Id ?? ''
    expect(made?.DistributionConfig?.DefaultCacheBehavior).toMatchObject(behaviour)
    const { client } = under.control
    const shown = await client.distribution(id as DistributionId) // its own
    const functions = [
      { event: 'viewer-request', function: 'turn' },
      { event: 'origin-request', function: 'sign:1', body: true },
    ]
    expect(shown.behaviours).toMatchObject([{ functions }])
    const live = { Name: 'turn', Stage: 'LIVE' } as const
    const status = async (): Promise<string | undefined> =>
      (await send(new api.DescribeFunctionCommand(live))).FunctionSummary?.Status
    expect(await status()).toBe('ASSOCIATED')
    await acknowledge(under.control)
    expect(await status()).toBe('DEPLOYED')
    const { ETag: draft } = await send(new api.DescribeFunctionCommand({ Name: 'turn' }))
    expect(await errorOf(send(new api.DeleteFunctionCommand({ Name: 'turn', IfMatch: draft })))).toBe(
      'FunctionInUse 409',
    )
    expect(etag).toBeDefined()
    // What CloudFront has no word for stays.
    const playlist = { event: 'playlist-response' as const, function: 'adverts', when: 'asked' as const }
    const [first] = shown.behaviours
    if (first === undefined) throw new Error('it has one behaviour')
    const given = [...(first.functions ?? []), playlist] as never // names that control reads
    await client.replaceDistribution(id, {
      ...shown,
      priceClass: '100',
      behaviours: [{ ...first, functions: given }],
    })
    const now = await send(new api.GetDistributionConfigCommand({ Id: id }))
    expect(now.DistributionConfig).toMatchObject({
      PriceClass: 'PriceClass_100',
      DefaultCacheBehavior: behaviour,
    })
    const sent = { ...now.DistributionConfig, Comment: 'changed' } as api.DistributionConfig // as it was shown
    await send(new api.UpdateDistributionCommand({ Id: id, IfMatch: now.ETag, DistributionConfig: sent }))
    expect(await client.distribution(id as DistributionId)).toMatchObject({
      ...{ comment: 'changed', priceClass: '100', behaviours: [{ functions: [...functions, playlist] }] },
    })
  })

  test('may have any name that a function may have', async () => {
    const FunctionCode = Buffer.from('function handler(event) { return event.request }')
    for (const Name of ['_', '-', '0']) {
      const { ETag } = await send(new api.CreateFunctionCommand({ Name, FunctionConfig, FunctionCode }))
      await send(new api.PublishFunctionCommand({ Name, IfMatch: ETag }))
      const { Distribution: made } = await create(own(Name))
      expect(made?.DistributionConfig?.DefaultCacheBehavior).toMatchObject(own(Name))
    }
  })

  test.each<[string, object, string]>([
    ['a function that there is not', own('none'), 'NoSuchFunctionExists 404'],
    ['one that was not published', own('draft'), 'InvalidFunctionAssociation 400'],
    [
      'one of CloudFront’s at an origin event',
      own('turn', 'origin-request'),
      'InvalidFunctionAssociation 400',
    ],
    [
      'an ARN that is none',
      {
        FunctionAssociations: { Quantity: 1, Items: [{ FunctionARN: 'turn', EventType: 'viewer-request' }] },
      },
      'InvalidFunctionAssociation 400',
    ],
    ['$LATEST', lambdas(':$LATEST'), 'InvalidLambdaFunctionAssociation 400'],
    ['no version', lambdas(''), 'InvalidLambdaFunctionAssociation 400'],
    ['a version that there is not', lambdas(':7'), 'InvalidLambdaFunctionAssociation 400'],
    ['a handler that CloudFront’s ARN names', own('sign'), 'NoSuchFunctionExists 404'],
    ['a function for playlists, of which CloudFront has none', own('adverts'), 'NoSuchFunctionExists 404'],
    ['a body where there is none', lambdas(':1', 'origin-response'), 'InvalidLambdaFunctionAssociation 400'],
    [
      'more code than runs at viewer events',
      {
        LambdaFunctionAssociations: {
          Quantity: 1,
          Items: [{ LambdaFunctionARN: lambda(':1').replace('sign', 'vast'), EventType: 'viewer-request' }],
        },
      },
      'InvalidLambdaFunctionAssociation 400',
    ],
    [
      'both kinds at viewer events',
      { ...own('turn'), ...lambdas(':1', 'viewer-response') },
      'InvalidLambdaFunctionAssociation 400',
    ],
    [
      'two for one event',
      {
        FunctionAssociations: {
          Quantity: 2,
          Items: [
            { FunctionARN: arn('turn'), EventType: 'viewer-request' },
            { FunctionARN: arn('turn'), EventType: 'viewer-request' },
          ],
        },
      },
      'InvalidFunctionAssociation 400',
    ],
  ])('is refused: %s', async (_what, behaviour, error) => {
    expect(await errorOf(create(behaviour))).toBe(error)
  })
})
