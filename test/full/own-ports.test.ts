import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawGet } from '../delivery/raw-get.ts'
import { startSluice, type Sluice } from '../e2e/sluice.ts'

let sluice: Sluice
const neighbour = createServer((_request, response) => response.end('a neighbour on this machine'))
beforeAll(async () => {
  await new Promise<void>(resolve => neighbour.listen(0, '127.0.0.1', resolve))
  sluice = await startSluice({ args: ['--allow-origin', '127.0.0.0/8'] })
}, 120_000)
afterAll(async () => {
  neighbour.closeAllConnections()
  neighbour.close()
  expect(await sluice.close()).toBe(0)
}, 60_000)

/** What a viewer gets of a distribution whose origin is there. */
async function through(origin: string, alias: string): Promise<{ status: number; body: string }> {
  const made = await sluice.cli('distribution', 'create', '--origin', origin, '--alias', alias)
  expect(made).toMatchObject({ code: 0 })
  const { status, body } = await rawGet(sluice.ready.http, '/livez', { headers: { Host: alias } })
  return { status, body }
}

test('origins on this machine may be asked where that is allowed, and none of the ports that are its own', async () => {
  const { port } = neighbour.address() as AddressInfo // listening on TCP
  expect(await through(`http://127.0.0.1:${port}`, 'neighbour.example')).toEqual({
    status: 200,
    body: 'a neighbour on this machine',
  })
  for (const own of ['control', 'admin', 'origin', 'http'] as const) {
    const { status, body } = await through(sluice.ready[own], `${own}.example`)
    expect([own, status]).toEqual([own, 502])
    expect(body).toContain('<Code>')
  }
}, 60_000)
