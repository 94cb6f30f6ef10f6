import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlClient } from '../../src/client/index.ts'

let server: Server
let answer: { status: number; body: string }
let asked: { method: string; url: string; authorization: string | undefined }[]

beforeEach(async () => {
  asked = []
  answer = { status: 200, body: '{}' }
  server = createServer((request, response) => {
    asked.push({
      method: request.method ?? '',
      url: request.url ?? '',
      authorization: request.headers.authorization,
    })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

function client(): ControlClient {
  return new ControlClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    token: 'secret',
  }) // it listens on TCP
}

describe('the client', () => {
  it('sends its token and escapes what it is given', async () => {
    answer = { status: 200, body: '{"id":"x"}' }
    await client().asset('/a b&c=d')
    await client().deleteKey('../x')
    expect(asked).toEqual([
      { method: 'GET', url: '/v1/assets/at?path=%2Fa+b%26c%3Dd', authorization: 'Bearer secret' },
      { method: 'DELETE', url: '/v1/keys/..%2Fx', authorization: 'Bearer secret' },
    ])
  })

  it.each([
    [400, 'usage'],
    [401, 'unauthorised'],
    [403, 'unauthorised'],
    [404, 'not-found'],
    [409, 'conflict'],
    [500, 'failed'],
    [503, 'unavailable'],
    [507, 'failed'],
  ] as const)('turns %i into an error of the kind %s with the server’s words', async (status, kind) => {
    answer = { status, body: '{"error":{"code":"word","message":"a sentence"}}' }
    await expect(client().keys()).rejects.toMatchObject({
      name: 'SluiceError',
      code: 'word',
      message: 'a sentence',
      kind,
    })
  })

  it.each(['<html>', '', 'null', '{"error":"text"}', '[1]'])(
    'has a sentence of its own for a stranger that answers %j',
    async body => {
      answer = { status: 502, body }
      await expect(client().keys()).rejects.toMatchObject({
        code: 'http-502',
        message: "the server answered 502 and did not say why: is this address Sluice's control port?",
      })
    },
  )

  it('says so when nothing answers', async () => {
    const away = client()
    await new Promise(resolve => server.close(resolve))
    await expect(away.keys()).rejects.toMatchObject({ code: 'control-away', kind: 'unavailable' })
  })
})
