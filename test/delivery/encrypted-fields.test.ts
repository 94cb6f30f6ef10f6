import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KiB, type EncryptionId } from '../../src/core/index.ts'
import { DEFAULT_WIRE, type FieldEncryption, type HttpOrigin } from '../../src/distribution/index.ts'
import { EncryptorThread, LONGEST_FIELD, LONGEST_FORM } from '../../src/fields/index.ts'
import { Recipient } from '../fields/recipient.ts'
import { BothPorts } from './both-ports.ts'
import { ForeignOrigin, snapshotWith } from './foreign-origin.ts'
import type { EdgeBench } from './edge-bench.ts'

const FORM = 'application/x-www-form-urlencoded'
const recipient = new Recipient()
const encryptor = new EncryptorThread()
const ID = 'C1' as EncryptionId // a test's own
const LENIENT = 'C2' as EncryptionId // as above
const BARE = 'C3' as EncryptionId // as above

const ENCRYPTIONS: FieldEncryption[] = [
  {
    id: ID,
    byQuery: { unknown: 'reject', profiles: [{ argument: 'names', profile: recipient.profile('name*') }] },
    byContentType: {
      unknown: 'reject',
      profiles: [{ contentType: FORM, profile: recipient.profile('card*') }],
    },
  },
  {
    id: LENIENT,
    byQuery: { unknown: 'forward', profiles: [] },
    byContentType: {
      unknown: 'forward',
      profiles: [{ contentType: FORM, profile: recipient.profile('card*') }],
    },
  },
  {
    id: BARE,
    byQuery: { unknown: 'reject', profiles: [] },
    byContentType: { unknown: 'reject', profiles: [{ contentType: FORM }] },
  },
]

/** What the origin has got, in order; `whole` once the end of it came. */
interface Got {
  method: string
  target: string
  fields: Record<string, string | string[] | undefined>
  body: string
  end: 'under way' | 'whole' | 'broken'
}

let got: Got[]
let answers: (request: IncomingMessage, response: ServerResponse, got: Got) => void
let origin: ForeignOrigin
let ports: BothPorts
let plain: EdgeBench
let session: ClientHttp2Session

const whole = (request: IncomingMessage, response: ServerResponse): void => {
  request.on('end', () => response.end('stored'))
}

beforeAll(async () => {
  origin = await ForeignOrigin.start((request, response) => {
    const { method = '', url = '', headers } = request
    const each: Got = { method, target: url, fields: headers, body: '', end: 'under way' }
    got.push(each)
    request.on('data', (chunk: Buffer) => (each.body += chunk.toString('latin1')))
    request.once('end', () => (each.end = 'whole'))
    request.once('close', () => {
      if (each.end !== 'whole') each.end = 'broken'
    })
    request.on('error', () => {}) // it is broken off, which `close` tells
    answers(request, response, each)
  })
  const site: HttpOrigin = { id: 'site', kind: 'http', url: origin.url, headers: [], ...DEFAULT_WIRE }
  const open = { methods: 'all', cookies: 'all', forward: 'all', query: 'all' } as const
  ports = await BothPorts.start((_request, response) => response.end('own'), {
    snapshot: snapshotWith(
      [site],
      [
        { pattern: '/lenient/*', ...open, encryption: LENIENT },
        { pattern: '/bare/*', ...open, encryption: BARE },
        { pattern: '/unknown/*', ...open, encryption: 'C9' as EncryptionId }, // one that the snapshot lacks
        { pattern: '/plain/*', ...open },
        { pattern: '*', ...open, encryption: ID },
      ],
      { encryptions: ENCRYPTIONS },
    ),
    allowOrigins: ['127.0.0.0/8'],
    encryptor,
  })
  ;({ plain, session } = ports)
})
afterAll(async () => {
  await ports.close()
  await origin.close()
  await encryptor.close()
})
beforeEach(() => {
  got = []
  answers = whole
  plain.lines.length = 0
  ports.secure.lines.length = 0
})

interface Said {
  status: number
  reason: unknown
  body: string
}
interface More {
  method?: string
  headers?: Record<string, string | string[]>
}

function begin(target: string, { method = 'POST', headers = {} }: More = {}): ClientRequest {
  const { port } = new URL(plain.url)
  return httpRequest({
    ...{ host: '127.0.0.1', port, path: target, method, agent: false },
    headers: { 'content-type': FORM, ...headers },
  })
}

async function answerOf(sent: ClientRequest): Promise<Said> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode ?? 0, reason: response.headers['x-sluice-reason'], body }
}

function overHttp1(target: string, body: string, more: More = {}): Promise<Said> {
  const sent = begin(target, { ...more, headers: { 'content-length': String(body.length), ...more.headers } })
  sent.on('error', () => {}) // the answer came before all had gone
  sent.end(body)
  return answerOf(sent)
}

async function overHttp2(
  target: string,
  body: string,
  { method = 'POST', headers = {} }: More = {},
): Promise<Said> {
  const stream = session.request({ ':method': method, ':path': target, 'content-type': FORM, ...headers })
  stream.end(body)
  const [fields] = (await once(stream, 'response')) as [Record<string, unknown>]
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return { status: Number(fields[':status']), reason: fields['x-sluice-reason'], body: text }
}

async function read(value: string | null | undefined): Promise<string> {
  return (await recipient.read(value ?? '')).toString()
}

/** What the access log says of forms, once it does. */
async function logged(edge: EdgeBench, count = 1): Promise<unknown[]> {
  await expect.poll(() => edge.lines.length).toBe(count)
  return edge.lines.map(({ form, encryptedFields, reason }) => [form, encryptedFields, reason])
}

describe.each([
  ['HTTP/1.1', overHttp1, () => plain],
  ['HTTP/2', overHttp2, () => ports.secure],
] as const)('a form over %s', (_name, send, edge) => {
  test('reaches its origin with the fields encrypted that its profile names, in chunks, and whole', async () => {
    const body = 'name=Ada&card=4111+1111&cardholder=Ada%20L.&x=%e4'
    const digests = { 'content-md5': 'x', 'content-digest': 'y', 'repr-digest': 'v', digest: 'z' }
    const headers = { ...digests, 'x-own': 'kept' }
    expect(await send('/pay?x=1', body, { headers })).toEqual({
      status: 200,
      reason: undefined,
      body: 'stored',
    })
    const [each] = got
    expect([each?.method, each?.target, each?.end]).toEqual(['POST', '/pay?x=1', 'whole'])
    expect(each?.fields).toMatchObject({
      'content-type': FORM,
      'transfer-encoding': 'chunked',
      'x-own': 'kept',
    })
    for (const name of ['content-length', ...Object.keys(digests)]) expect(each?.fields[name]).toBeUndefined()
    const form = new URLSearchParams(each?.body)
    expect([...form.keys()]).toEqual(['name', 'card', 'cardholder', 'x'])
    expect(each?.body).toMatch(/^name=Ada&card=AYAB[^&]*&cardholder=AYAB[^&]*&x=%e4$/)
    expect([await read(form.get('card')), await read(form.get('cardholder'))]).toEqual([
      '4111 1111',
      'Ada L.',
    ])
    expect(await logged(edge())).toEqual([['Processed', 2, undefined]])
  })

  test('that its origin has heard whole is processed, whatever it answers', async () => {
    answers = (request, response) => void request.on('end', () => response.writeHead(503).end())
    expect((await send('/pay', 'card=1')).status).toBe(503)
    expect([got[0]?.end, await logged(edge())]).toEqual(['whole', [['Processed', 1, undefined]]])
  })

  test('is encrypted by the profile that its query names', async () => {
    await send('/pay?fle-profile=names', 'name=Ada&card=4111', { method: 'PUT' })
    const form = new URLSearchParams(got[0]?.body)
    expect([await read(form.get('name')), form.get('card'), got[0]?.method]).toEqual(['Ada', '4111', 'PUT'])
    expect(got[0]?.target).toBe('/pay?fle-profile=names')
  })

  test.each([
    ['/lenient/pay', 'application/json', 'ForwardedByContentType'],
    ['/lenient/pay?fle-profile=no', FORM, 'ForwardedByQueryArgs'],
    ['/bare/pay', FORM, 'ForwardedDueToNoProfile'],
  ])('goes on as it came where the configuration says so: %s, %s', async (target, type, status) => {
    const body = `card=1&%&${'x'.repeat(LONGEST_FORM)}`
    expect((await send(target, body, { headers: { 'content-type': type } })).status).toBe(200)
    expect([got[0]?.body === body, got[0]?.end]).toEqual([true, 'whole'])
    expect(await logged(edge())).toEqual([[status, 0, undefined]])
  })

  const long = 'x'.repeat(LONGEST_FIELD + 1)
  const eleven = Array.from({ length: 11 }, (_, at) => `card${at}=1`).join('&')
  test.each<[status: string, reason: string, target: string, body: string, type?: string]>([
    ['MalformedContentTypeClientError', 'form-type', '/pay', 'a=1', 'rubbish'],
    ['RejectedByContentType', 'form-type', '/pay', '{}', 'application/json'],
    ['MalformedQueryArgsClientError', 'form-profile', '/pay?fle-profile=', 'a=1'],
    ['RejectedByQueryArgs', 'form-profile', '/pay?fle-profile=no', 'a=1'],
    ['MalformedInputClientError', 'form-malformed', '/pay', 'card=1&a=%x'],
    ['FieldLengthLimitClientError', 'form-limit', '/pay', `card=${long}`],
    ['FieldNumberLimitClientError', 'form-limit', '/pay', eleven],
    ['RequestLengthLimitClientError', 'form-limit', '/pay', `a=${'x'.repeat(LONGEST_FORM - 1)}`],
  ])(
    'is refused, of which its origin hears nothing: %s',
    async (status, reason, target, body, type = FORM) => {
      const answer = await send(target, body, {
        headers: { 'content-type': type, 'content-length': String(body.length) },
      })
      expect([answer.status, answer.reason]).toEqual([400, reason])
      expect(answer.body).toMatch(
        new RegExp(`^<\\?xml[^>]*>\n<Error><Code>${status}</Code><Message>[^<]+</Message>`),
      )
      expect(got).toEqual([])
      expect(await logged(edge())).toEqual([[status, expect.any(Number), reason]])
    },
  )

  test('that has no body goes on without one', async () => {
    const { port } = new URL(plain.url)
    const sent = httpRequest({
      ...{ host: '127.0.0.1', port, path: '/pay', method: 'POST', agent: false },
      headers: { 'content-type': FORM, 'content-length': '0' },
    })
    sent.end()
    expect((await answerOf(sent)).status).toBe(200)
    expect([got[0]?.body, got[0]?.fields['transfer-encoding']]).toEqual(['', undefined])
  })

  test('goes nowhere where its edge was not told how to encrypt it, and all else does', async () => {
    const answer = await send('/unknown/pay', 'card=1')
    expect([answer.status, answer.reason, got]).toEqual([502, 'encryption-failed', []])
    expect(await logged(edge())).toEqual([['ServerError', 0, 'encryption-failed']])
    expect((await send('/unknown/pay', 'card=1', { method: 'PATCH' })).status).toBe(200)
    expect(got[0]?.body).toBe('card=1')
  })

  test('is not looked at where nothing is to be encrypted, or by another method', async () => {
    await send('/plain/pay', 'card=%')
    await send('/pay', 'card=%', { method: 'PATCH' })
    expect(got.map(({ body }) => body)).toEqual(['card=%', 'card=%'])
    expect(await logged(edge(), 2)).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ])
  })
})

/** More than is held back before the origin is asked. */
const MUCH = `a=${'x'.repeat(200 * KiB)}`

describe('a long form', () => {
  test('goes on while it comes', async () => {
    const sent = begin('/pay')
    sent.write(`${MUCH}&card=41`)
    await expect.poll(() => got[0]?.body.length ?? 0).toBeGreaterThan(128 * KiB)
    expect(got[0]?.end).toBe('under way')
    sent.end('11&b=2')
    expect((await answerOf(sent)).status).toBe(200)
    const [each] = got
    expect(each?.body.startsWith(MUCH)).toBe(true)
    expect(await read(new URLSearchParams(each?.body).get('card'))).toBe('4111')
  })

  test('that is refused after some of it has gone never comes to its end, and is not sent again', async () => {
    const sent = begin('/pay')
    sent.on('error', () => {}) // the answer came before all had gone
    sent.write(`card=1&${MUCH}`)
    await expect.poll(() => got[0]?.body.length ?? 0).toBeGreaterThan(128 * KiB)
    sent.end('&b=%x')
    const answer = await answerOf(sent)
    expect([answer.status, answer.reason]).toEqual([400, 'form-malformed'])
    await expect.poll(() => got.map(({ end }) => end)).toEqual(['broken'])
    expect(await logged(plain)).toEqual([['MalformedInputClientError', 1, 'form-malformed']])
  })

  test('without a Content-Length is refused where it is longer than 1 MB', async () => {
    const sent = begin('/pay')
    sent.on('error', () => {}) // as above
    sent.write(MUCH)
    sent.end('x'.repeat(LONGEST_FORM))
    expect(await answerOf(sent)).toMatchObject({ status: 400, reason: 'form-limit' })
    await expect.poll(() => got.every(({ end }) => end === 'broken')).toBe(true)
  })

  test('that its viewer breaks off is broken off at the origin', async () => {
    const sent = begin('/pay')
    sent.on('error', () => {}) // broken off on purpose
    sent.write(`card=1&${MUCH}`)
    await expect.poll(() => got.length).toBe(1)
    sent.destroy()
    await expect.poll(() => got[0]?.end).toBe('broken')
    expect(await logged(plain)).toHaveLength(1)
  })

  test('may be answered before it is whole', async () => {
    answers = (_request, response) => response.writeHead(413).end('enough')
    const sent = begin('/pay')
    sent.on('error', () => {}) // the answer came before all had gone
    sent.write(MUCH)
    expect(await answerOf(sent)).toMatchObject({ status: 413, body: 'enough' })
    answers = (_request, response) => response.writeHead(503).end()
    const again = begin('/pay')
    again.on('error', () => {}) // as above
    again.write(MUCH)
    expect((await answerOf(again)).status).toBe(503)
    expect((await logged(plain, 2)).map(each => (each as unknown[])[0])).toEqual(['Processed', 'ServerError'])
  })
})

describe('a viewer who waits to be asked for his form', () => {
  const open: Socket[] = []
  afterEach(() => {
    for (const socket of open.splice(0)) socket.destroy()
  })

  async function converse(head: string): Promise<{ text: () => string; write: (more: string) => void }> {
    const { port } = new URL(plain.url)
    const socket = connect(Number(port), '127.0.0.1')
    await once(socket, 'connect')
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    socket.on('error', () => {}) // the edge may end it
    open.push(socket)
    socket.write(head)
    return { text: () => text, write: more => void socket.write(more) }
  }
  const head = (type: string, length: number): string =>
    `POST /pay HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`

  test('is asked once his head is taken', async () => {
    const { text, write } = await converse(head(FORM, 6))
    await expect.poll(text).toContain('HTTP/1.1 100 Continue')
    write('card=1')
    await expect.poll(text).toContain('HTTP/1.1 200')
    expect(await read(new URLSearchParams(got[0]?.body).get('card'))).toBe('1')
  })

  test.each([
    ['application/json', 10],
    [FORM, LONGEST_FORM + 1],
  ])('is not asked for what would be refused: %s of %i bytes', async (type, length) => {
    const { text } = await converse(head(type, length))
    await expect.poll(text).toContain('HTTP/1.1 400')
    expect([text().includes('100 Continue'), got]).toEqual([false, []])
  })
})

test('two content types are none, whatever the first of them is', async () => {
  const body = 'card=1'
  const answer = await overHttp1('/lenient/pay', body, { headers: { 'content-type': ['text/plain', FORM] } })
  expect([answer.status, answer.reason, got]).toEqual([400, 'form-type', []])
})

test('a form that is packed is refused, since its fields cannot be seen', async () => {
  const answer = await overHttp1('/pay', 'card=1', { headers: { 'content-encoding': 'gzip' } })
  expect([answer.status, answer.reason, got]).toEqual([400, 'form-malformed', []])
})
