import { once } from 'node:events'
import { createServer, request, Agent as PlainAgent, type Server } from 'node:http'
import { Agent, request as requestTls } from 'node:https'
import { connect, type AddressInfo } from 'node:net'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import {
  isAuthorised,
  newAuthority,
  newLeaf,
  newRequest,
  signRequest,
  speakAlsoTls,
  type Authority,
  type NodeCredentials,
  type NodePort,
  type NodePortOptions,
} from '../../src/inbound/index.ts'

const now = instant(Date.now())
const life = 2 * 86_400_000
const terms = (subject: string) => ({
  ...{ subject, names: [`${subject}.sluice.internal`], now, life },
  usages: ['server', 'client'] as const,
})

let authority: Authority
let stranger: Authority
beforeAll(async () => {
  authority = await newAuthority('Sluice nodes', now)
  stranger = await newAuthority('Sluice nodes', now)
})

async function credentialsOf(subject: string, by = authority): Promise<NodeCredentials> {
  return { ...(await newLeaf(by, terms(subject))), authority: by.certificate }
}

async function open(
  certificates: 'asked-for' | 'required',
  isThisMachine?: NodePortOptions['isThisMachine'],
): Promise<{ port: number; nodePort: NodePort; server: Server }> {
  const server = createServer((asked, answer) => {
    let length = 0
    asked.on('data', (chunk: Buffer) => (length += chunk.length))
    asked.on('end', () => {
      const over = 'encrypted' in asked.socket ? 'tls' : 'plain'
      answer.end(`${over} ${isAuthorised(asked.socket) ? 'ours' : 'strange'} ${length}`)
    })
  })
  const nodePort = speakAlsoTls(server, {
    ...{ credentials: await credentialsOf('control'), certificates },
    ...(isThisMachine && { isThisMachine }),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, nodePort, server } // listening on TCP
}

interface Asked {
  port: number
  /** `plain`, or what is shown and believed. */
  over: 'plain' | Partial<NodeCredentials>
  body?: Buffer
}

function ask({ port, over, body }: Asked): Promise<string> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, method: 'POST', agent: new PlainAgent() }
    const asked =
      over === 'plain'
        ? request(to)
        : requestTls({
            ...{ ...to, agent: new Agent(), servername: 'control.sluice.internal' },
            ...{ ca: over.authority, cert: over.certificate, key: over.key },
          })
    asked.on('error', reject)
    asked.on('response', answer => {
      let text = ''
      answer.on('data', (chunk: Buffer) => (text += String(chunk)))
      answer.on('end', () => resolve(text))
    })
    asked.end(body)
  })
}

const codeOfAsk = (asked: Asked): Promise<unknown> =>
  ask(asked).catch((error: unknown) => (error as { code?: unknown }).code) // of Node

describe('a port that asks for certificates', () => {
  test('is spoken to in the clear and over TLS from this machine, bodies of any length whole', async () => {
    const { port } = await open('asked-for')
    const node = await credentialsOf('edge-1')
    const bare = { authority: authority.certificate }
    const overs: Asked['over'][] = ['plain', node, bare]
    const sizes = [0, 1, 70_000, 3_000_000]
    const answers = await Promise.all(
      overs.flatMap(over => sizes.map(size => ask({ port, over, body: Buffer.alloc(size) }))),
    )
    const expected = ['plain ours', 'tls ours', 'tls strange']
    expect(answers).toEqual(expected.flatMap(each => sizes.map(size => `${each} ${size}`)))
  })

  test('knows a certificate of another authority, or one that signed itself, for a strange one', async () => {
    const { port } = await open('asked-for')
    const theirs = await credentialsOf('edge-1', stranger)
    const over = { ...theirs, authority: authority.certificate }
    expect(await ask({ port, over })).toBe('tls strange 0')
    expect(await codeOfAsk({ port, over: theirs })).toBe('SELF_SIGNED_CERT_IN_CHAIN')
  })

  test('shows another certificate to those who come later', async () => {
    const { port, nodePort } = await open('asked-for')
    nodePort.show(await credentialsOf('control', stranger))
    const bare = { authority: authority.certificate }
    expect(await codeOfAsk({ port, over: bare })).toBe('SELF_SIGNED_CERT_IN_CHAIN')
    expect(await ask({ port, over: { authority: stranger.certificate } })).toBe('tls strange 0')
  })

  test('waits for the rest of a first byte that comes alone', async () => {
    const { port } = await open('asked-for')
    const socket = connect(port, '127.0.0.1')
    socket.write('G')
    await once(socket, 'connect')
    await ask({ port, over: 'plain' })
    socket.write('ET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    expect(text.slice(-12)).toBe('plain ours 0')
  })
})

test('a port that requires certificates is closed to strangers, not to this machine', async () => {
  const { port } = await open('required')
  const bare = { authority: authority.certificate }
  const theirs = { ...(await credentialsOf('edge-1', stranger)), authority: authority.certificate }
  expect([await codeOfAsk({ port, over: bare }), await codeOfAsk({ port, over: theirs })]).toEqual([
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ECONNRESET',
  ])
  expect(await ask({ port, over: await credentialsOf('edge-1') })).toBe('tls ours 0')
  expect(await ask({ port, over: 'plain' })).toBe('plain ours 0')
})

test('nobody is spoken to in the clear who comes from another machine', async () => {
  const { port } = await open('asked-for', () => false)
  expect(await codeOfAsk({ port, over: 'plain' })).toBe('ECONNRESET')
  expect(await ask({ port, over: { authority: authority.certificate } })).toBe('tls strange 0')
})

describe('a certificate request', () => {
  test('gives a certificate for the key of who made it, on the terms of who signs', async () => {
    const { port } = await open('required')
    const { request: text, key } = await newRequest('root of all')
    const certificate = await signRequest(authority, text, terms('edge-2'))
    expect(await ask({ port, over: { certificate, key, authority: authority.certificate } })).toBe(
      'tls ours 0',
    )
  })

  test.each([
    ['nothing', ''],
    ['no PEM', 'hello'],
    ['another kind', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
  ])('that is %s is refused with a sentence', async (_, text) => {
    await expect(signRequest(authority, text, terms('edge-2'))).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('that was changed on its way is refused', async () => {
    const { request: text } = await newRequest('edge-2')
    const { request: other } = await newRequest('edge-2')
    const der = (each: string) => Buffer.from(each.replace(/-----[^-]+-----/g, ''), 'base64')
    const [mine, theirs] = [der(text), der(other)]
    const mixed = Buffer.concat([mine.subarray(0, mine.length - 70), theirs.subarray(theirs.length - 70)])
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${mixed.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    await expect(signRequest(authority, pem, terms('edge-2'))).rejects.toMatchObject({ code: 'bad-request' })
  })
})
