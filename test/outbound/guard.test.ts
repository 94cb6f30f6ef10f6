import type { LookupAddress } from 'node:dns'
import { describe, expect, test } from 'vitest'
import { codeOf, messageOf } from '../../src/core/index.ts'
import { createGuard, literalRefusal, type GuardOptions } from '../../src/outbound/index.ts'

const NAMES: Record<string, string[]> = {
  'site.example': ['203.0.113.7', '2001:db8::7'],
  'mixed.example': ['127.0.0.1', '::1', '10.0.0.5'],
  'self.example': ['127.0.0.1', '::1'],
  'lan.example': ['192.168.1.10'],
  'metadata.example': ['169.254.169.254'],
}

const guardOf = (more: Partial<GuardOptions> = {}) =>
  createGuard({
    allow: [],
    ownPorts: [8080, 9000],
    localAddresses: () => ['192.168.1.10', 'fd12::10'],
    resolve: (name, answer) => {
      const found = (NAMES[name] ?? []).map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
      answer(found.length > 0 ? null : Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), found)
    },
    ...more,
  })

/** What a connection to this name would be opened to, or the code and sentence with which it fails. */
function resolved(name: string, more: Partial<GuardOptions> = {}, port = 443): Promise<unknown> {
  return new Promise(resolve =>
    guardOf(more).lookupFor(port)(name, { all: true }, (error, found) =>
      resolve(
        error
          ? `${codeOf(error)}: ${messageOf(error)}`
          : (found as LookupAddress[]).map(each => each.address), // `all`
      ),
    ),
  )
}

describe('an address', () => {
  const never = /no origin may be there/
  const listIt = /list it in origins\.allow \(--allow-origin /
  const ours = /is Sluice itself/
  test.each<[string, number, RegExp | undefined]>([
    ['203.0.113.7', 443, undefined],
    ['2001:db8::7', 443, undefined],
    ['10.0.0.5', 8080, undefined],
    ['172.16.0.1', 80, undefined],
    ['192.168.7.7', 80, undefined],
    ['100.64.0.1', 80, undefined],
    ['fd00::1', 80, undefined],
    ['127.0.0.1', 80, listIt],
    ['127.8.8.8', 80, listIt],
    ['::1', 80, listIt],
    ['0:0:0:0:0:0:0:1', 80, listIt],
    ['::ffff:127.0.0.1', 80, listIt],
    ['::ffff:7f00:1', 80, listIt],
    ['::127.0.0.1', 80, listIt],
    ['64:ff9b::7f00:1', 80, listIt],
    ['64:ff9b:1::7f00:1', 80, listIt],
    ['::ffff:0:7f00:1', 80, listIt],
    ['2002:7f00:1::1', 80, listIt],
    ['2002:c000:207::1', 80, undefined],
    ['2002:a9fe:a9fe::1', 80, never],
    ['168.63.129.16', 80, never],
    ['100.100.100.200', 80, never],
    ['192.0.0.192', 80, never],
    ['169.254.169.254', 80, never],
    ['::ffff:169.254.169.254', 80, never],
    ['64:ff9b::a9fe:a9fe', 80, never],
    ['fe80::1', 80, never],
    ['fe80::1%eth0', 80, never],
    ['febf::1', 80, never],
    ['fd00:ec2::254', 80, never],
    ['0.0.0.0', 80, never],
    ['0.1.2.3', 80, never],
    ['::', 80, never],
    ['::ffff:0.0.0.0', 80, never],
    ['224.0.0.1', 80, never],
    ['255.255.255.255', 80, never],
    ['ff02::1', 80, never],
    ['127.0.0.1', 8080, ours],
    ['::1', 9000, ours],
    ['192.168.1.10', 9000, ours],
    ['::ffff:192.168.1.10', 9000, ours],
    ['fd12:0::10', 8080, ours],
    ['192.168.1.10', 8081, undefined],
    ['192.168.1.11', 9000, undefined],
    ['not an address', 80, /is no address/],
  ])('%s port %d', (address, port, sentence) => {
    if (sentence === undefined) expect(guardOf().refusal(address, port)).toBeUndefined()
    else expect(guardOf().refusal(address, port)).toMatch(sentence)
  })

  test.each<[string[], string, number, boolean]>([
    [['127.0.0.1/32'], '127.0.0.1', 80, true],
    [['127.0.0.1'], '127.0.0.1', 80, true],
    [['127.0.0.0/8'], '127.9.9.9', 80, true],
    [['127.0.0.1/32'], '127.0.0.2', 80, false],
    [['127.0.0.0/8'], '::1', 80, false],
    [['127.0.0.0/8'], '::ffff:127.0.0.1', 80, true],
    [['::1/128'], '::1', 80, true],
    [['0.0.0.0/0', '::/0'], '169.254.169.254', 80, false],
    [['0.0.0.0/0', '::/0'], 'fe80::1', 80, false],
    [['0.0.0.0/0', '::/0'], '0.0.0.0', 80, false],
    [['0.0.0.0/0', '::/0'], '127.0.0.1', 9000, false],
    [['0.0.0.0/0', '::/0'], '192.168.1.10', 9000, false],
  ])('with %j listed: %s port %d', (allow, address, port, open) => {
    expect(guardOf({ allow }).refusal(address, port) === undefined).toBe(open)
  })
})

describe('a name', () => {
  test('leads to all its addresses', async () => {
    expect(await resolved('site.example')).toEqual(['203.0.113.7', '2001:db8::7'])
  })

  test('leads past those that are refused', async () => {
    expect(await resolved('mixed.example')).toEqual(['10.0.0.5'])
    expect(await resolved('self.example', { allow: ['127.0.0.0/8'] })).toEqual(['127.0.0.1'])
  })

  test('with none left says where it leads and what would mend it', async () => {
    expect(await resolved('self.example')).toBe(
      'address-refused: self.example resolves to no address that may be asked: 127.0.0.1 is on this machine: list it in origins.allow (--allow-origin 127.0.0.1) if an origin is meant to be there',
    )
    expect(await resolved('metadata.example', { allow: ['0.0.0.0/0'] })).toMatch(/^address-refused: /)
  })

  test('is refused on our own ports only', async () => {
    expect(await resolved('lan.example', {}, 9000)).toMatch(/^address-refused: .*is Sluice itself/)
    expect(await resolved('lan.example', {}, 9009)).toEqual(['192.168.1.10'])
  })

  test('that resolves to nothing fails as it does elsewhere', async () => {
    expect(await resolved('nobody.example')).toMatch(/^ENOTFOUND/)
  })

  test('gives one address, of the family that is asked for, to who wants one', async () => {
    const one = (name: string, family: 0 | 4 | 6): Promise<unknown[]> =>
      new Promise(resolve =>
        guardOf().lookup(name, { family }, (error, address, of) => resolve([codeOf(error), address, of])),
      )
    expect(await one('site.example', 6)).toEqual([undefined, '2001:db8::7', 6])
    expect(await one('mixed.example', 0)).toEqual([undefined, '10.0.0.5', 4])
    expect((await one('mixed.example', 6))[0]).toBe('address-refused')
  })

  test('is read by the system when nothing else is said', async () => {
    const guard = createGuard({ allow: ['127.0.0.0/8', '::1'], ownPorts: [] })
    const code = await new Promise(resolve =>
      guard.lookup('localhost', { all: true }, error => resolve(codeOf(error))),
    )
    expect(code).toBeUndefined()
  })
})

test('a host that is written as an address is refused although nobody resolves it', () => {
  const guard = guardOf()
  expect(literalRefusal(guard, '127.0.0.1', 80)).toMatch(/origins\.allow/)
  expect(literalRefusal(guard, '[::1]', 80)).toMatch(/origins\.allow/)
  expect(literalRefusal(guard, '[2001:db8::7]', 80)).toBeUndefined()
  expect(literalRefusal(guard, 'site.example', 80)).toBeUndefined()
})
