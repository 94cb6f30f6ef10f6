import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:http2'
import { describe, expect, test } from 'vitest'
import type { BodiedRequest } from '../../src/http2/index.ts'
import { ask, bench, type Handle } from './connection-bench.ts'

const LARGE = randomBytes(3_000_001)

/** As many bytes as the path says. */
const sized: Handle = (request, answer) => {
  const body = LARGE.subarray(0, Number(request.url.slice(1)))
  answer.writeHead(200, ['Content-Length', String(body.length), 'X-Path', request.url])
  answer.end(body)
}

const echo: Handle = (request, answer) => {
  answer.writeHead(200, ['Content-Type', 'text/plain'])
  if (!('pipe' in request)) return answer.end()
  request.on('data', (chunk: Buffer) => {
    if (answer.write(chunk)) return
    request.pause()
    answer.once('drain', () => request.resume())
  })
  request.once('end', () => answer.end())
}

describe('an answer', () => {
  test.each([0, 1, 16_384, 16_385, 65_535, 65_536, 200_000, LARGE.length])(
    'of %i bytes comes as it was written',
    async size => {
      const { client } = await bench(sized)
      const { headers, body } = await ask(client, { ':path': `/${size}` })
      expect([headers[':status'], headers['x-path'], typeof headers.date]).toEqual([
        200,
        `/${size}`,
        'string',
      ])
      expect(body.equals(LARGE.subarray(0, size))).toBe(true)
    },
  )

  test('may have fields that stand several times, and a head of many frames', async () => {
    const long = 'x'.repeat(40_000)
    const { client } = await bench((_request, answer) => {
      answer.writeHead(203, [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'Vary',
        'A',
        'Vary',
        'B',
        'X-Long',
        long,
      ])
      answer.end()
    })
    const { headers } = await ask(client, {})
    expect([headers[':status'], headers['set-cookie'], headers['vary'], headers['x-long']]).toEqual([
      203,
      ['a=1', 'b=2'],
      'A, B',
      long,
    ])
  })

  test('to HEAD has no content, whatever is written', async () => {
    const { client } = await bench(sized)
    const { headers, body } = await ask(client, { ':path': '/100', ':method': 'HEAD' })
    expect([headers['content-length'], body.length]).toEqual(['100', 0])
  })

  test('comes behind interim ones', async () => {
    const { client } = await bench((_request, answer) => {
      answer.inform(103, ['Link', '</a>'])
      answer.writeHead(200, [])
      answer.end(Buffer.from('film'))
    })
    const stream = client.request({})
    const [early] = (await once(stream, 'headers')) as [Record<string, unknown>]
    const [last] = (await once(stream, 'response')) as [Record<string, unknown>]
    expect([early[':status'], early['link'], 'date' in early, last[':status']]).toEqual([
      103,
      '</a>',
      false,
      200,
    ])
  })

  test('that is given up is reset, and never looks whole', async () => {
    const { client } = await bench((_request, answer) => {
      answer.writeHead(200, ['Content-Length', '10'])
      answer.write(Buffer.from('01234'), () => answer.destroy())
    })
    const stream = client.request({})
    stream.on('error', () => {})
    stream.resume()
    await new Promise(resolve => stream.once('close', resolve))
    expect(stream.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR)
  })

  test('whose fields cannot be sent throws, and another one can be sent instead', async () => {
    let thrown: unknown
    const { client } = await bench((_request, answer) => {
      try {
        answer.writeHead(200, ['X', 'a\nb'])
      } catch (error) {
        thrown = error
        answer.writeHead(500, [])
        answer.end()
      }
    })
    expect((await ask(client, {})).headers[':status']).toBe(500)
    expect(thrown).toBeInstanceOf(TypeError)
  })
})

describe('the body of a request', () => {
  test.each([1, 1000, 65_535, 65_536, 500_000, LARGE.length])('of %i bytes comes whole', async size => {
    const { client } = await bench(echo)
    const { body } = await ask(client, { ':method': 'POST' }, LARGE.subarray(0, size))
    expect(body.equals(LARGE.subarray(0, size))).toBe(true)
  })

  test('that nobody reads stops at its window, and goes on when somebody does', async () => {
    let held: BodiedRequest | undefined
    const { client } = await bench((request, answer) => {
      if (!('pipe' in request)) return answer.end()
      held = request
      request.once('end', () => answer.end())
    })
    const stream = client.request({ ':method': 'POST' })
    stream.end(LARGE)
    // Answered behind what could be sent of the body.
    await ask(client, {})
    expect([held?.complete, held?.unread]).toEqual([false, true])
    let size = 0
    held?.on('data', (chunk: Buffer) => (size += chunk.length))
    await once(stream, 'response')
    expect([size, held?.complete]).toEqual([LARGE.length, true])
  })

  test('that breaks off is aborted and does not end', async () => {
    const events: string[] = []
    let come = (): void => {}
    const came = new Promise<void>(resolve => (come = resolve))
    const { client } = await bench((request, answer) => {
      if (!('pipe' in request)) return
      for (const each of ['aborted', 'end', 'close']) request.once(each, () => events.push(each))
      answer.once('close', () => events.push('answer closed'))
      request.on('data', come)
    })
    const stream = client.request({ ':method': 'POST' })
    stream.on('error', () => {})
    stream.write('half')
    await came
    stream.destroy()
    await expect.poll(() => events).toEqual(['aborted', 'answer closed', 'close'])
  })

  test('may be followed by trailers, which nobody sees', async () => {
    const { client } = await bench(echo)
    const stream = client.request({ ':method': 'POST' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-digest': '1' }))
    stream.end('film')
    let body = ''
    for await (const chunk of stream) body += String(chunk)
    expect(body).toBe('film')
  })
})

test('heads come as they were sent, crumbs of cookies together, the same head again and again', async () => {
  const seen: unknown[] = []
  const { client } = await bench((request, answer) => {
    seen.push([
      request.method,
      request.url,
      request.authority,
      request.headers.cookie,
      request.headers['x-a'],
    ])
    answer.end()
  })
  const asked = { ':path': '/a?b', ':authority': 'c', cookie: ['d=1', 'e=2'], 'x-a': 'f' }
  for (let time = 0; time < 5; time++) await ask(client, asked)
  await ask(client, { ...asked, 'x-a': 'g' })
  await ask(client, asked)
  const told = ['GET', '/a?b', 'c', 'd=1; e=2', 'f']
  expect(seen).toEqual([told, told, told, told, told, [...told.slice(0, 4), 'g'], told])
})

test('streams take turns: a small answer does not wait for large ones that began before', async () => {
  const { client } = await bench(sized)
  client.setLocalWindowSize(16 * 1024 * 1024)
  const order: string[] = []
  const large = Array.from({ length: 8 }, async () => {
    await ask(client, { ':path': `/${LARGE.length}` })
    order.push('large')
  })
  const small = ask(client, { ':path': '/30000' }).then(() => order.push('small'))
  await Promise.all([...large, small])
  expect(order[0]).toBe('small')
})

describe('a connection that is closed', () => {
  test('answers what is under way, takes nothing new, and ends', async () => {
    let finish = (): void => {}
    const { client, opened } = await bench((request, answer) => {
      if (request.url === '/late') finish = () => answer.end(Buffer.from('film'))
      else answer.end()
    })
    const late = ask(client, { ':path': '/late' })
    await ask(client, {})
    const { connection } = await opened
    const goneAway = once(client, 'goaway')
    const closed = once(client, 'close')
    connection.close()
    expect((await goneAway)[0]).toBe(constants.NGHTTP2_NO_ERROR)
    finish()
    expect(String((await late).body)).toBe('film')
    await closed
  })

  test('ends by itself when it has been quiet', async () => {
    const { client } = await bench(sized, { idle: 50 })
    const closed = once(client, 'close')
    await ask(client, { ':path': '/1' })
    await closed
  })
})

test('no more streams than were announced are open at once', async () => {
  const held: (() => void)[] = []
  const { client, opened } = await bench((_request, answer) => held.push(() => answer.end()), { streams: 3 })
  await opened
  await expect.poll(() => client.remoteSettings.maxConcurrentStreams).toBe(3)
  const all = Array.from({ length: 10 }, () => ask(client, {}))
  let answered = 0
  while (answered < 10) {
    await expect.poll(() => held.length).toBeGreaterThan(0)
    expect(held.length).toBeLessThanOrEqual(3)
    answered++
    held.shift()?.()
  }
  expect((await Promise.all(all)).length).toBe(10)
})
