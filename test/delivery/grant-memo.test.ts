import { beforeEach, expect, test, vi } from 'vitest'
import { GrantMemo } from '../../src/delivery/gate/grant-memo.ts'
import * as signing from '../../src/signing/index.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { rawGet } from './raw-get.ts'

// Counts what is verified, which is done as always.
vi.mock('../../src/signing/index.ts', async original => {
  const real = await original<typeof signing>()
  return { ...real, authenticate: vi.fn(real.authenticate) }
})
const verified = vi.mocked(signing.authenticate)

const PATH = '/members/talk/a.m4s'
const url: signing.ViewerUrl = { scheme: 'http', authority: 'h', rawPath: PATH, query: '' }
const trusted = (): signing.TrustedKeys => signing.trustedKeys(snapshotOf().keyGroups)

function carrierOf(cookies: string): signing.Carrier {
  const found = signing.findCarrier({ query: '', cookies })
  if (found.kind !== 'carrier') throw new Error('it can be read')
  return found
}

beforeEach(() => void verified.mockClear())

test('a grant is verified once for one set of keys, and anew for the next', () => {
  const memo = new GrantMemo()
  const [keys, next] = [trusted(), trusted()]
  const carrier = carrierOf(grantFor('http://*/members/talk/*').cookie)
  const answer = memo.authenticate(carrier, url, keys)
  expect(answer.kind).toBe('authentic')
  expect(memo.authenticate(carrier, { ...url, rawPath: '/members/talk/b.m4s' }, keys)).toBe(answer)
  expect(verified).toHaveBeenCalledTimes(1)
  memo.authenticate(carrier, url, next)
  expect(verified).toHaveBeenCalledTimes(2)
  expect(memo.authenticate(carrier, url, signing.trustedKeys([])).kind).toBe('refused')
})

test('a forgery is not remembered', () => {
  const memo = new GrantMemo()
  const keys = trusted()
  const { policy } = grantFor('http://*/members/talk/*')
  const { signature } = grantFor('http://*/members/other/*')
  const carrier: signing.Carrier = {
    ...carrierOf(grantFor('*').cookie),
    ...{ statement: { kind: 'custom', policy }, signature },
  }
  expect([1, 2].map(() => memo.authenticate(carrier, url, keys).kind)).toEqual(['refused', 'refused'])
  expect(verified).toHaveBeenCalledTimes(2)
})

test('a whole Cookie header is remembered for one set of keys, and a canned policy never', () => {
  const memo = new GrantMemo()
  const [keys, next] = [trusted(), trusted()]
  const { cookie } = grantFor('http://*/members/talk/*')
  const carrier = carrierOf(cookie)
  const authentic = memo.authenticate(carrier, url, keys)
  if (authentic.kind !== 'authentic') throw new Error('it is authentic')
  const seen = { carrier, authentic, ownQuery: '' }
  memo.remember(cookie, keys, seen)
  expect(memo.seen('cookie', cookie, keys)).toBe(seen)
  expect(memo.seen('query', cookie, keys)).toBeUndefined()
  expect(memo.seen('cookie', `${cookie};`, keys)).toBeUndefined()
  expect(memo.seen('cookie', cookie, next)).toBeUndefined()
  const canned: signing.Carrier = { ...carrier, statement: { kind: 'canned', expires: '1' } }
  memo.remember('canned', keys, { carrier: canned, authentic, ownQuery: '' })
  expect(memo.seen('cookie', 'canned', keys)).toBeUndefined()
})

test('an edge verifies once for all segments of a film, and reads each carrier once', async () => {
  const memos = {
    seen: vi.spyOn(GrantMemo.prototype, 'seen'),
    ask: vi.spyOn(GrantMemo.prototype, 'authenticate'),
  }
  const bench = await EdgeBench.start((_request, response) => response.end('film'))
  try {
    const { cookie, query, token } = grantFor('http://*/members/talk/*')
    const get = async (path: string, headers = {}): Promise<number> =>
      (await rawGet(bench.url, path, { headers })).status
    for (const name of ['a', 'b', 'c'])
      expect(await get(`/members/talk/${name}`, { Cookie: cookie })).toBe(200)
    // Only the first came as far as the second memory.
    expect([memos.seen.mock.calls.length, memos.ask.mock.calls.length]).toEqual([3, 1])
    for (const name of ['a', 'b', 'c']) expect(await get(`/members/talk/${name}?${query}`)).toBe(200)
    for (const name of ['a', 'b', 'c']) expect(await get(`${token}/members/talk/${name}`)).toBe(200)
    // A path token does not declare its hash, so it is another question.
    expect([memos.ask.mock.calls.length, verified.mock.calls.length]).toEqual([3, 2])
    expect(await get(`/members/other/a?${query}`)).toBe(403)
    expect(await get(`${token}/members/other/a`)).toBe(403)
    expect(await get('/members/other/a', { Cookie: cookie })).toBe(403)

    bench.node.apply({ ...snapshotOf(), version: 2 })
    expect(await get('/members/talk/a', { Cookie: cookie })).toBe(200)
    expect(verified).toHaveBeenCalledTimes(3)
    bench.node.apply({
      ...snapshotOf({ keyGroups: snapshotOf().keyGroups.map(each => ({ ...each, keys: [] })) }),
      version: 3,
    })
    expect(await get('/members/talk/a', { Cookie: cookie })).toBe(403)
    expect(await get(`/members/talk/a?${query}`)).toBe(403)
    expect(await get(`${token}/members/talk/a`)).toBe(403)
  } finally {
    await bench.close()
  }
})
