import { getEventListeners } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import type { UpstreamAnswer } from '../../src/cache/index.ts'
import { systemClock } from '../../src/core/index.ts'
import { openConnections, type Connections } from '../../src/delivery/upstream/origin-connections.ts'
import { ForeignOrigin } from './foreign-origin.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function connectionsTo(answer: Parameters<typeof ForeignOrigin.start>[0]): Promise<Connections> {
  const origin = await ForeignOrigin.start(answer)
  closers.push(() => origin.close())
  const connections = openConnections({ url: origin.url, clock: systemClock, most: { prompt: 4 } })
  closers.push(() => connections.destroy())
  return connections
}

const GET = { lane: 'prompt', method: 'GET', target: '/', headers: [] } as const

async function textOf({ body }: UpstreamAnswer): Promise<string> {
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return text
}

/** How many questions a signal still has to do with. */
function heldBy({ signal }: AbortController): number {
  return getEventListeners(signal, 'abort').length
}

test('a signal that outlives many questions keeps nothing of one that is over, however it ended', async () => {
  const connections = await connectionsTo((request, response) => {
    if (request.url === '/broken') response.destroy()
    else response.end('whole')
  })
  const node = new AbortController()
  const { signal } = node
  const answer = await connections.send({ ...GET, signal })
  expect(heldBy(node)).toBe(1)
  expect(await textOf(answer)).toBe('whole')
  await expect.poll(() => heldBy(node)).toBe(0)
  const unread = await connections.send({ ...GET, signal })
  unread.destroy()
  await expect.poll(() => heldBy(node)).toBe(0)
  await expect(connections.send({ ...GET, target: '/broken', signal })).rejects.toThrow()
  expect(heldBy(node)).toBe(0)
})

test('it ends a question that has no answer yet, an answer that has begun, and what is asked later', async () => {
  const connections = await connectionsTo((request, response) => {
    if (request.url === '/begun') response.write('some')
  })
  const node = new AbortController()
  const { signal } = node
  const silent = connections.send({ ...GET, target: '/silent', signal })
  silent.catch(() => {}) // it is looked at below
  const begun = await connections.send({ ...GET, target: '/begun', signal })
  setTimeout(() => node.abort(), 50)
  await expect(textOf(begun)).rejects.toThrow()
  await expect(silent).rejects.toThrow()
  await expect(connections.send({ ...GET, signal })).rejects.toThrow()
  expect(heldBy(node)).toBe(0)
})
