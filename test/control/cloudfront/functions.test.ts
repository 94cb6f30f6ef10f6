import * as api from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { errorOf, openControl, type UnderTest } from './control-under-test.ts'

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
    await send(new api.DeleteFunctionCommand({ Name: 'f', IfMatch: etag }))
  })
})
