import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { fixPorts } from '../../src/app/ports.ts'

function occupied(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
    onTestFinished(() => void server.close())
  })
}

const loopback = { listen: { host: '127.0.0.1', port: 0 }, flag: '--x', what: 'x' }

test('port 0 becomes a number of its own for each wish', async () => {
  const ports = await fixPorts({ a: loopback, b: loopback, c: loopback })
  const numbers = new Set([ports.a.port, ports.b.port, ports.c.port])
  expect(numbers.size).toBe(3)
  expect(numbers.has(0)).toBe(false)
})

test('a port that was found free can be listened on afterwards', async () => {
  const { a } = await fixPorts({ a: loopback })
  expect(await fixPorts({ a: { ...loopback, listen: a } })).toEqual({ a })
})

test('all interfaces become a concrete host', async () => {
  const { a } = await fixPorts({ a: { ...loopback, listen: { port: 0 } } })
  expect(['::', '0.0.0.0']).toContain(a.host)
})

test('a taken port ends the start with a sentence that names it', async () => {
  const port = await occupied()
  const wish = { listen: { host: '127.0.0.1', port }, flag: '--http', what: 'viewers' }
  await expect(fixPorts({ a: loopback, b: wish })).rejects.toMatchObject({
    code: 'port-taken',
    message: expect.stringContaining(`Port ${port} (viewers) is taken`) as string,
  })
})

test('all interfaces are taken when loopback is', async () => {
  const port = await occupied()
  const wish = { listen: { port }, flag: '--http', what: 'viewers' }
  await expect(fixPorts({ b: wish })).rejects.toMatchObject({ code: 'port-taken' })
})

test('the same number for two things is refused', async () => {
  const { a } = await fixPorts({ a: loopback })
  const one = { ...loopback, listen: a, flag: '--one' }
  await expect(fixPorts({ one, other: { ...one, flag: '--other' } })).rejects.toMatchObject({
    code: 'port-taken',
    message: `--one and --other both ask for port ${a.port}: give one of them another.`,
  })
})

test('an address of another machine is refused with a sentence', async () => {
  const wish = { listen: { host: '203.0.113.1', port: 0 }, flag: '--http', what: 'viewers' }
  await expect(fixPorts({ a: wish })).rejects.toMatchObject({ code: 'no-such-address' })
})
