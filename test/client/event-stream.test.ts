import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ControlClient, type ChannelEvent } from '../../src/client/index.ts'
import { EventReader } from '../../src/client/event-stream.ts'

describe('the reader of server-sent events', () => {
  const text =
    'event: hello\nid: 1\ndata: {}\n\n: comment\n\nid: 2\r\ndata: a\r\ndata:  b\r\n\r\nretry: 5\ndata\n\nid: 3\n\ndata: c\n\n'
  const events = [
    { id: '1', type: 'hello', data: '{}' },
    { id: '2', type: 'message', data: 'a\n b' },
    { id: '2', type: 'message', data: '' },
    { id: '3', type: 'message', data: 'c' },
  ]

  it('gives the same events wherever the stream was cut', () => {
    for (let size = 1; size <= text.length; size++) {
      const reader = new EventReader()
      const found = []
      for (let at = 0; at < text.length; at += size) found.push(...reader.push(text.slice(at, at + size)))
      expect(found, `in pieces of ${size}`).toEqual(events)
    }
  })

  it('refuses a line without end', () => {
    const reader = new EventReader()
    expect(() => {
      for (let n = 0; n < 10; n++) reader.push('x'.repeat(100_000))
    }).toThrow('a line without end')
  })

  it('refuses an event without end', () => {
    const reader = new EventReader()
    expect(() => {
      for (let n = 0; n < 1_000; n++) reader.push(`data: ${'x'.repeat(1_000)}\n`)
    }).toThrow('an event without end')
  })
})

describe('the events of channels', () => {
  let server: Server
  let asked: (string | undefined)[]
  let answer: (response: ServerResponse, nth: number) => void

  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      asked.push(request.headers['last-event-id'] as string | undefined) // sent once
      answer(response, asked.length)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  })

  afterEach(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  function client(): ControlClient {
    const { port } = server.address() as AddressInfo // it listens on TCP
    return new ControlClient({ url: `http://127.0.0.1:${port}`, token: 'secret' })
  }

  async function hear(count: number, from?: string): Promise<string[]> {
    const leaving = new AbortController()
    const heard: ChannelEvent[] = []
    for await (const event of client().events(leaving.signal, from)) {
      heard.push(event)
      if (heard.length === count) leaving.abort()
    }
    return heard.map(each => each.id)
  }

  function open(response: ServerResponse): ServerResponse {
    return response.writeHead(200, { 'content-type': 'text/event-stream' })
  }

  it('go on over ended and broken connections from the last id that was told', async () => {
    answer = (response, nth) => {
      if (nth === 1) open(response).end('event: hello\nid: h\ndata: {}\n\n')
      else if (nth === 2) open(response).end('id: a\ndata: {"id":"a"}\n\nid: b\ndata: {"id"')
      else if (nth === 3) response.destroy()
      else if (nth === 4) response.writeHead(503).end()
      else open(response).write('id: b\ndata: {"id":"b"}\n\n')
    }
    expect(await hear(2, 'z')).toEqual(['a', 'b'])
    expect(asked).toEqual(['z', 'h', 'a', 'a', 'a'])
  })

  it('throw what the server refuses', async () => {
    answer = response => {
      response.writeHead(401).end('{"error":{"code":"bad-token","message":"no"}}')
    }
    await expect(hear(1)).rejects.toMatchObject({ code: 'bad-token', kind: 'unauthorised' })
  })

  it('throw when nothing answers the first time', async () => {
    answer = response => void response.destroy()
    await expect(hear(1)).rejects.toMatchObject({ code: 'control-away' })
  })
})
