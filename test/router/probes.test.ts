import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { NodeId } from '../../src/core/index.ts'
import { probe } from '../../src/router/probes.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
  server = undefined
})

/** Asks an edge that answers with a status, or takes the question and says nothing. */
async function asked(status: number | 'nothing', within: number): Promise<string> {
  const own = createServer((_request, response) => {
    if (status !== 'nothing') response.writeHead(status).end()
  })
  server = own
  await new Promise<void>(resolve => own.listen(0, '127.0.0.1', resolve))
  const { port } = own.address() as AddressInfo // it listens on TCP
  const target = { edge: 'edge-a' as NodeId, address: '127.0.0.1', scheme: 'http', port } as const
  return probe(target, within, new AbortController().signal)
}

test.each([
  ['serves', 204, 'answers'],
  ['is there and does not serve', 503, 'silent'],
  ['is another server', 200, 'silent'],
  ['is another server that sends elsewhere', 302, 'silent'],
] as const)('an edge that %s: %i', async (_, status, outcome) => {
  expect(await asked(status, 10_000)).toBe(outcome)
})

test('an edge that takes the question and says nothing is silent', async () => {
  expect(await asked('nothing', 50)).toBe('silent')
})

test('an edge that is not there is silent', async () => {
  const target = { edge: 'edge-a' as NodeId, address: '127.0.0.1', scheme: 'http', port: 1 } as const
  expect(await probe(target, 10_000, new AbortController().signal)).toBe('silent')
})
