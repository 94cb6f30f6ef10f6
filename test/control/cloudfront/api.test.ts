import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import {
  CreateDistributionCommand,
  CreateKeyGroupCommand,
  GetDistributionCommand,
  ListVpcOriginsCommand,
  type CloudFrontClient,
} from '@aws-sdk/client-cloudfront'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { KnownCaller } from '../../../src/control/cloudfront/callers.ts'
import {
  CloudFrontError,
  type Handlers,
  type OperationContext,
} from '../../../src/control/cloudfront/operation.ts'
import { cloudFrontRoutes } from '../../../src/control/cloudfront/routes.ts'
import { startServer, type RunningServer } from '../../../src/control/server.ts'
import { instant, SluiceError, type Clock } from '../../../src/core/index.ts'
import { newAccessKey, type AccessKey } from '../../../src/signing/index.ts'
import { silentLogger } from '../../../src/telemetry/index.ts'
import { DISTRIBUTION } from '../../restxml/distribution.ts'
import { cloudFrontOf } from './sdk.ts'
import { sign, told, type Told, type Wanted } from './signed.ts'

const ALL = newAccessKey()
const READER = newAccessKey()
const PURGER = newAccessKey()
const KEEPER = newAccessKey()
const caller = ({ id, secret }: AccessKey, name: string, scopes: KnownCaller['caller']['scopes']) =>
  [id, { caller: { accessKeyId: id, name, scopes }, secret }] as const
const BOOK = new Map<string, KnownCaller>([
  caller(ALL, 'the admin', ['admin']),
  caller(READER, 'reader', ['read']),
  caller(PURGER, 'purger', ['read', 'purge']),
  caller(KEEPER, 'keeper', ['keys']),
])

/** What the handlers were asked; nothing, where a request was refused. */
let asked: { input: object; context: OperationContext }[] = []
const keep = (input: object, context: OperationContext): void => void asked.push({ input, context })

const HANDLERS: Handlers = {
  async CreateDistribution(input: { DistributionConfig: object }, context) {
    keep(input, context)
    const Distribution = {
      Id: 'E1',
      DistributionConfig: input.DistributionConfig,
      LastModifiedTime: new Date(0),
    }
    return Promise.resolve({ Distribution, ETag: 'E2QWR', Location: 'https://x/E1' })
  },
  GetDistribution({ Id }: { Id: string }) {
    if (Id === 'E-FAILS') throw new Error('the secret is hush')
    if (Id === 'E-AWAY')
      throw new SluiceError('away', 'the database is away: try again', { kind: 'unavailable' })
    throw new CloudFrontError('NoSuchDistribution', `there is no distribution ${Id}`)
  },
  DeleteDistribution: (input: object, context) => Promise.resolve(keep(input, context)),
  CreateKeyGroup(input: object, context) {
    keep(input, context)
    throw new CloudFrontError('KeyGroupAlreadyExists', 'there is one of that name already')
  },
  CreateInvalidation: (input: object, context) => Promise.resolve(keep(input, context)),
  GetFunction: () =>
    Promise.resolve({ FunctionCode: Buffer.from([1, 2]), ContentType: 'application/x', ETag: 'E' }),
}

const clock: Clock & { at: number } = { at: Date.now(), now: () => instant(clock.at) }
let server: RunningServer
let url: string
let client: CloudFrontClient

beforeAll(async () => {
  const log = silentLogger
  const callers = { find: (id: string) => Promise.resolve(BOOK.get(id)) }
  server = await startServer(
    { host: '127.0.0.1', port: 0 },
    {
      routes: cloudFrontRoutes({ callers, handlers: HANDLERS, clock, log }),
      authorise: () => Promise.resolve(undefined),
      ...{ credentials: undefined, answered: () => {}, clock, log },
    },
  )
  url = `http://127.0.0.1:${server.port}`
  client = cloudFrontOf(url, { accessKeyId: ALL.id, secretAccessKey: ALL.secret })
})

afterAll(() => server.close())
beforeEach(() => {
  asked = []
  clock.at = Date.now()
})

async function ask(wanted: Wanted, key = ALL): Promise<Told> {
  const signed = await sign(url, key, wanted)
  return told(await fetch(new URL(wanted.target ?? '/2020-05-31/distribution', url), signed))
}

describe("AWS's own client", () => {
  it('creates, and finds again what it sent', async () => {
    const { $metadata, ...created } = await client.send(
      new CreateDistributionCommand({ DistributionConfig: DISTRIBUTION }),
    )
    expect($metadata.httpStatusCode).toBe(201)
    expect($metadata.requestId).toBe(asked[0]?.context.requestId)
    expect(created).toMatchObject({ ETag: 'E2QWR', Location: 'https://x/E1' })
    expect(created.Distribution).toMatchObject({ Id: 'E1', LastModifiedTime: new Date(0) })
    expect(asked[0]?.input).toEqual({ DistributionConfig: DISTRIBUTION })
    expect(asked[0]?.context).toMatchObject({
      operation: 'CreateDistribution',
      caller: { accessKeyId: ALL.id, name: 'the admin', scopes: ['admin'] },
      now: clock.at,
    })
  })

  it('is told of errors by their names', async () => {
    await expect(client.send(new GetDistributionCommand({ Id: 'E9' }))).rejects.toMatchObject({
      name: 'NoSuchDistribution',
      message: 'there is no distribution E9',
      $fault: 'client',
      $metadata: { httpStatusCode: 404 },
    })
    const group = new CreateKeyGroupCommand({ KeyGroupConfig: { Name: 'n', Items: [] } })
    await expect(client.send(group)).rejects.toMatchObject({
      name: 'KeyGroupAlreadyExists',
      $metadata: { httpStatusCode: 409 },
    })
    await expect(client.send(new ListVpcOriginsCommand({}))).rejects.toMatchObject({
      name: 'NotImplemented',
      message: 'ListVpcOrigins is not in this version of Sluice',
      $metadata: { httpStatusCode: 501 },
    })
  })
})

describe('an answer', () => {
  it('has bytes as they are where the operation gives bytes', async () => {
    const target = '/2020-05-31/function/f'
    const response = await fetch(url + target, await sign(url, ALL, { target }))
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([1, 2]))
    expect(response.headers.get('content-type')).toBe('application/x')
  })

  it('has nothing where the operation gives nothing', async () => {
    const signed = await sign(url, ALL, { method: 'DELETE', headers: { 'if-match': 'E2' } })
    const response = await fetch(`${url}/2020-05-31/distribution`, signed)
    expect(response.status).toBe(404)
    const target = '/2020-05-31/distribution/E%201'
    const deleted = await fetch(
      url + target,
      await sign(url, ALL, { method: 'DELETE', target, headers: { 'if-match': 'E2' } }),
    )
    expect({ status: deleted.status, body: await deleted.text() }).toEqual({ status: 204, body: '' })
    expect(asked.map(each => each.input)).toEqual([{ Id: 'E 1', IfMatch: 'E2' }])
  })

  it.each(['application/xml', 'text/plain;charset=UTF-8', 'x', undefined])(
    'is the same for a body of the type %s',
    async type => {
      const body =
        '<InvalidationBatch><Paths><Quantity>0</Quantity></Paths><CallerReference>r</CallerReference></InvalidationBatch>'
      const target = '/2020-05-31/distribution/E1/invalidation'
      const headers = type === undefined ? {} : { 'content-type': type }
      const wanted = { method: 'POST', target, headers, body: Buffer.from(body) }
      expect(await ask(wanted)).toMatchObject({ status: 201 })
      expect(asked[0]?.input).toEqual({
        DistributionId: 'E1',
        InvalidationBatch: { Paths: { Quantity: 0 }, CallerReference: 'r' },
      })
    },
  )
})

describe('an answer to sts', () => {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const sts = (given: string): Wanted => ({
    ...{ method: 'POST', target: '/', service: 'sts', body: given },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })

  it('names who asks', async () => {
    const response = await fetch(url, await sign(url, READER, sts(body)))
    const document = await response.text()
    expect(document.replace(/[0-9a-f-]{36}/, 'ID')).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' +
        `<GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/reader</Arn><UserId>${READER.id}</UserId>` +
        '<Account>000000000000</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>ID</RequestId>' +
        '</ResponseMetadata></GetCallerIdentityResponse>',
    )
  })

  it('makes of a strange name one that an ARN can have', async () => {
    const document = await (await fetch(url, await sign(url, ALL, sts(body)))).text()
    expect(document).toContain(':user/the-admin<')
  })

  it('is a refusal for everything else, and for who signs for another service', async () => {
    expect(await ask(sts('Action=AssumeRole'))).toEqual({
      status: 400,
      code: 'InvalidAction',
      message: 'STS does GetCallerIdentity here, and not "AssumeRole"',
    })
    expect(await ask({ ...sts(body), service: 'cloudfront' })).toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
    })
    expect(await ask({ service: 'sts' })).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' })
  })
})

describe('who may not', () => {
  const group = '<KeyGroupConfig><Name>n</Name><Items/></KeyGroupConfig>'
  const batch =
    '<InvalidationBatch><Paths><Quantity>0</Quantity></Paths><CallerReference>r</CallerReference></InvalidationBatch>'
  const GET = { target: '/2020-05-31/distribution/E1' }
  const PURGE = { method: 'POST', target: '/2020-05-31/distribution/E1/invalidation', body: batch }
  const GROUP = { method: 'POST', target: '/2020-05-31/key-group', body: group }
  const DELETE = { method: 'DELETE', target: '/2020-05-31/distribution/E1' }

  it.each<[string, AccessKey, [get: number, purge: number, group: number, remove: number]]>([
    ['admin', ALL, [404, 201, 409, 204]],
    ['read', READER, [404, 403, 403, 403]],
    ['purge', PURGER, [404, 201, 403, 403]],
    ['keys', KEEPER, [404, 403, 409, 403]],
  ])('is told by the scope %s', async (_, key, statuses) => {
    const answers = []
    for (const wanted of [GET, PURGE, GROUP, DELETE]) answers.push((await ask(wanted, key)).status)
    expect(answers).toEqual(statuses)
  })

  it('is told which scope it takes', async () => {
    expect(await ask(DELETE, PURGER)).toEqual({
      status: 403,
      code: 'AccessDenied',
      message:
        'this access key may not DeleteDistribution: that needs the scope "admin", and its token has read, purge',
    })
    expect(asked).toEqual([])
  })
})

const FINE = { method: 'DELETE', target: '/2020-05-31/distribution/E1' }

describe('what is refused', () => {
  it.each<[string, () => Promise<Told>, Partial<Told>]>([
    [
      'no signature',
      async () => told(await fetch(url + FINE.target, { method: 'DELETE' })),
      { status: 403, code: 'MissingAuthenticationToken' },
    ],
    [
      'a token in its place',
      async () => told(await fetch(url + FINE.target, { headers: { authorization: 'Bearer sluice_x' } })),
      { status: 400, code: 'IncompleteSignature' },
    ],
    ['an unknown key', () => ask(FINE, newAccessKey()), { status: 403, code: 'InvalidClientTokenId' }],
    [
      'another secret',
      () => ask(FINE, { id: ALL.id, secret: 'x' }),
      { status: 403, code: 'SignatureDoesNotMatch' },
    ],
    [
      'another body',
      async () => {
        const { headers } = await sign(url, ALL, { ...FINE, body: '<a/>' })
        return told(await fetch(url + FINE.target, { method: 'DELETE', headers, body: '<b/>' }))
      },
      { status: 403, code: 'SignatureDoesNotMatch' },
    ],
    [
      'an old one',
      () => ask({ ...FINE, at: clock.at - 301_000 }),
      { status: 403, code: 'RequestTimeTooSkewed' },
    ],
    [
      'one of the future',
      () => ask({ ...FINE, at: clock.at + 302_000 }),
      { status: 403, code: 'RequestTimeTooSkewed' },
    ],
    [
      'an unknown path',
      () => ask({ target: '/2020-05-31/nothing' }),
      { status: 404, code: 'UnknownOperation' },
    ],
    ['no path at all', () => ask({ target: '/2020-05-31/' }), { status: 404, code: 'UnknownOperation' }],
    ['an unknown method', () => ask({ ...FINE, method: 'PATCH' }), { status: 404, code: 'UnknownOperation' }],
    [
      'a bad escape',
      () => ask({ target: '/2020-05-31/distribution/%zz' }),
      { status: 400, code: 'InvalidArgument' },
    ],
    [
      'a long path',
      () => ask({ target: `/2020-05-31/distribution/${'a'.repeat(5_000)}` }),
      { status: 404, code: 'NoSuchDistribution' },
    ],
    [
      'a document that is none',
      () => ask({ ...FINE, method: 'POST', target: '/2020-05-31/distribution', body: '{}' }),
      { status: 400, code: 'MalformedXML' },
    ],
    [
      'entities',
      () =>
        ask({
          method: 'POST',
          body: '<!DOCTYPE a [<!ENTITY b "c">]><DistributionConfig>&b;</DistributionConfig>',
        }),
      { status: 400, code: 'MalformedXML' },
    ],
    [
      'a body of 1 MiB that is nothing',
      () => ask({ method: 'POST', body: '<a>'.repeat(349_525) }),
      { status: 400, code: 'MalformedXML' },
    ],
    [
      'what the layers below refuse',
      () => ask({ target: '/2020-05-31/distribution/E-AWAY' }),
      { status: 503, code: 'ServiceUnavailable', message: 'the database is away: try again' },
    ],
    [
      'what fails',
      () => ask({ target: '/2020-05-31/distribution/E-FAILS' }),
      {
        status: 500,
        code: 'InternalError',
        message: 'control could not do this because of an error of its own: its log says more',
      },
    ],
  ])('%s', async (_, request, refusal) => {
    expect(await request()).toMatchObject(refusal)
    expect(asked).toEqual([])
  })

  it('is a document with a name for the request', async () => {
    const response = await fetch(url + FINE.target)
    const id = response.headers.get('x-amzn-requestid')
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(response.headers.get('content-type')).toBe('text/xml')
    expect(await response.text()).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">' +
        '<Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>' +
        '<Message>the request is not signed: it has no Authorization field</Message></Error>' +
        `<RequestId>${id}</RequestId></ErrorResponse>`,
    )
  })

  it.each(['content-length', 'chunked'])(
    'a body larger than 1 MiB, by %s, before all of it came',
    async how => {
      const { headers } = await sign(url, ALL, { method: 'POST', body: 'x' })
      const socket = connect(server.port, '127.0.0.1')
      const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const framing = how === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${2 ** 30}`
      socket.write(`POST /2020-05-31/distribution HTTP/1.1\r\n${fields.join('')}${framing}\r\n\r\n`)
      if (how === 'chunked') socket.write(`200000\r\n${'x'.repeat(1_100_000)}`)
      const answer = await text(socket)
      expect(answer).toMatch(/^HTTP\/1.1 413 /)
      expect(answer).toContain('<Code>RequestEntityTooLarge</Code>')
    },
  )
})
