import { createHash, createHmac, createSign, generateKeyPairSync, sign } from 'node:crypto'
import { parse, stringify } from 'node:querystring'
import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import type { Fetch, Fetching } from '../../src/functions/index.ts'
import { named, outcomeOf, program, runnerOf, valueOf } from './runner-under-test.ts'

const TEXTS = ['', 'a', 'é€\u{1f600}', 'a\0b', 'x'.repeat(1000)]

describe('crypto', () => {
  test.each(['cloudfront-js-1.0', 'cloudfront-js-2.0'] as const)(
    'of %s makes the digests that Node makes',
    async runtime => {
      const code = `const crypto = require('crypto')
      function handler({ texts }) {
        const made = []
        for (const name of ['md5', 'sha1', 'sha256']) for (const text of texts) for (const form of ['hex', 'base64', 'base64url']) {
          made.push(crypto.createHash(name).update(text).update('b').digest(form))
          made.push(crypto.createHmac(name, 'key é').update(text).digest(form))
        }
        return made
      }`
      const wanted = ['md5', 'sha1', 'sha256'].flatMap(name =>
        TEXTS.flatMap(text =>
          (['hex', 'base64', 'base64url'] as const).flatMap(form => [
            createHash(name).update(text).update('b').digest(form),
            createHmac(name, 'key é').update(text).digest(form),
          ]),
        ),
      )
      expect(await valueOf(runtime, code, { texts: TEXTS })).toEqual(wanted)
    },
  )

  test('without an encoding gives a byte string in 1.0, and a Buffer in 2.0', async () => {
    const code = `function handler() { const d = require('crypto').createHash('md5').update('a').digest(); return [typeof d, d.length] }`
    expect(await valueOf('cloudfront-js-1.0', code)).toEqual(['string', 16])
    expect(await valueOf('cloudfront-js-2.0', code)).toEqual(['object', 16])
  })

  test('of CloudFront has what CloudFront has, and no more', async () => {
    const code = `function handler() {
      try { require('crypto').createHash('sha512') } catch (e) { return [Object.keys(require('crypto')), e.message] }
    }`
    expect(await valueOf('cloudfront-js-2.0', code)).toEqual([
      ['createHash', 'createHmac'],
      'Digest method not supported: sha512',
    ])
  })

  test('of Lambda@Edge checks signatures of RSA and P-256, by PEM and by JWK', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const input = 'header.payload'
    const pem = (key: typeof rsa.publicKey): string => key.export({ type: 'spki', format: 'pem' }) as string
    const given = {
      input,
      rsa: {
        pem: pem(rsa.publicKey),
        jwk: rsa.publicKey.export({ format: 'jwk' }) as Record<string, string>,
      },
      ec: { pem: pem(ec.publicKey), jwk: ec.publicKey.export({ format: 'jwk' }) as Record<string, string> },
      rs256: createSign('RSA-SHA256').update(input).sign(rsa.privateKey, 'base64url'),
      es256: sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }).toString(
        'base64url',
      ),
    }
    const code = `const crypto = require('crypto')
      exports.handler = async ({ input, rsa, ec, rs256, es256 }) => {
        const jwk = key => crypto.createPublicKey({ key, format: 'jwk' })
        const rs = key => crypto.createVerify('RSA-SHA256').update(input).verify(key, rs256, 'base64url')
        const es = key => crypto.verify('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(es256, 'base64url'))
        const wrong = crypto.createVerify('RSA-SHA256').update(input + '.').verify(rsa.pem, rs256, 'base64url')
        return [rs(rsa.pem), rs(jwk(rsa.jwk)), es(ec.pem), es(jwk(ec.jwk)), wrong]
      }`
    expect(await valueOf('lambda-edge', code, given)).toEqual([true, true, true, true, false])
  })

  test('of Lambda@Edge draws bytes and compares in constant time', async () => {
    const code = `const { randomBytes, randomUUID, timingSafeEqual } = require('node:crypto')
      exports.handler = async () => {
        let far; try { randomBytes(1e9) } catch (e) { far = e.name }
        return [randomBytes(16).length, randomUUID().length, randomUUID() === randomUUID(),
          timingSafeEqual(Buffer.from('a'), Buffer.from('a')), timingSafeEqual(Buffer.from('a'), Buffer.from('b')), far]
      }`
    expect(await valueOf('lambda-edge', code)).toEqual([16, 36, false, true, false, 'RangeError'])
  })

  test('Math.random is another number each time, in each sandbox', async () => {
    const code = 'function handler() { return [Math.random(), Math.random(), Math.random()] }'
    const drawn = (await valueOf('cloudfront-js-1.0', code)) as number[]
    expect(new Set(drawn).size).toBe(3)
    for (const each of drawn) expect(each >= 0 && each < 1).toBe(true)
    expect(await valueOf('cloudfront-js-1.0', `${code} // another`)).not.toEqual(drawn)
  })
})

test('querystring reads and writes as Node does', async () => {
  const texts = ['a=1&b=2&a=3', 'a', '=1', 'a=%20b+c%ZZ&%e9=1', '', '&&a=b=c', '__proto__=1&toString=2']
  const values = [{ a: [1, true, ''], b: "é !'()*~" }, { n: null, i: 1 }, {}]
  const code = `const querystring = require('querystring')
    function handler({ texts, values }) { return [texts.map(t => Object.entries(querystring.parse(t)).map(p => p.join('>'))), values.map(v => querystring.stringify(v))] }`
  expect(await valueOf('cloudfront-js-2.0', code, { texts, values })).toEqual([
    texts.map(text => Object.entries(parse(text)).map(pair => pair.join('>'))),
    values.map(value => stringify(value)),
  ])
})

test('Buffer and the encodings are Node’s', async () => {
  const code = `exports.handler = async ({ texts }) => {
      const made = []
      for (const text of texts) for (const form of ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'utf16le']) {
        const bytes = Buffer.from(text)
        made.push(bytes.toString(form), Buffer.from(bytes.toString(form), form).equals(bytes) || form)
      }
      made.push(Buffer.concat([Buffer.from('a'), Buffer.alloc(2, 'b')]).toString(), Buffer.byteLength('é'), Buffer.isBuffer(Buffer.from([1])))
      made.push(Buffer.from('abc').readUInt16BE(1), Buffer.from('aXbX').indexOf('bX'), JSON.stringify(Buffer.from('a')), Buffer.from('abcd').slice(1, 3).toString())
      made.push(btoa('é'), atob('6Q=='), new TextDecoder().decode(new TextEncoder().encode('é\\0')))
      return made
    }`
  const wanted: unknown[] = TEXTS.flatMap(text =>
    (['utf8', 'hex', 'base64', 'base64url', 'latin1', 'utf16le'] as const).flatMap(form => {
      const bytes = Buffer.from(text)
      return [bytes.toString(form), Buffer.from(bytes.toString(form), form).equals(bytes) || form]
    }),
  )
  wanted.push('abb', 2, true, 25187, 2, '{"type":"Buffer","data":[97]}', 'bc', '6Q==', 'é', 'é\0')
  expect(await valueOf('lambda-edge', code, { texts: TEXTS })).toEqual(JSON.parse(JSON.stringify(wanted)))
})

test('strings of runtime 1.0 know of bytes', async () => {
  const code = `function handler() {
    return [String.bytesFrom('YcOp', 'base64').fromUTF8(), 'é'.toUTF8().length, String.bytesFrom([97, 98]), String.bytesFrom('6162', 'hex')]
  }`
  expect(await valueOf('cloudfront-js-1.0', code)).toEqual(['aé', 2, 'ab', 'ab'])
})

test('URL and its parameters are those of the standard', async () => {
  const code = `exports.handler = async ({ texts }) => texts.map(text => {
      const url = new URL(text, 'https://base.test/a/')
      url.searchParams.append('é', 'a b&c')
      url.searchParams.delete('gone')
      url.hash = 'x'
      return [url.href, url.origin, url.host, url.pathname, [...url.searchParams].flat()]
    }).concat(URL.canParse('::') ? 1 : 0, require('url').parse('http://a.test/b?c=d', true).query.c, require('path').extname('/a/b.html'))`
  const texts = ['/b?x=1&gone=2&x=3', 'http://user:pw@h.test:8080/p/../q?#f', 'c']
  const wanted = texts.map(text => {
    const url = new URL(text, 'https://base.test/a/')
    url.searchParams.append('é', 'a b&c')
    url.searchParams.delete('gone')
    url.hash = 'x'
    return [url.href, url.origin, url.host, url.pathname, [...url.searchParams].flat()]
  })
  expect(await valueOf('lambda-edge', code, { texts })).toEqual([...wanted, 0, 'd', '.html'])
})

describe('fetch', () => {
  const CODE = `exports.handler = async ({ url, init }) => {
    try {
      const answer = await fetch(url, init)
      return [answer.status, answer.ok, answer.headers.get('X-A'), await answer.text()]
    } catch (error) { return error.message }
  }`
  async function fetched(
    url: string,
    more: {
      event?: 'origin-request' | 'origin-response' | 'viewer-request'
      init?: Record<string, string>
      fetch?: Fetch
    } = {},
  ) {
    const asked: Fetching[] = []
    const fetch: Fetch =
      more.fetch ??
      (question => {
        asked.push(question)
        return Promise.resolve({ status: 201, headers: [['x-a', '1']], body: Buffer.from('é') })
      })
    const hosts = ['api.test', '*.sub.test']
    const runner = await runnerOf([program('lambda-edge', CODE, { hosts })], new Map(), { fetch })
    const argument = { url, init: more.init ?? {} }
    const outcome = await runner.run({
      function: named('f'),
      event: more.event ?? 'origin-request',
      argument,
    })
    return { value: outcome.kind === 'returned' ? outcome.value : outcome, asked }
  }

  test('asks the hosts that are permitted at origin events', async () => {
    const init = { method: 'post', body: 'a=é' }
    const { value, asked } = await fetched('https://api.test/a?b', { init })
    expect(value).toEqual([201, true, '1', 'é'])
    const [{ signal, body, ...question } = {} as Fetching] = asked
    expect(question).toEqual({ method: 'POST', url: 'https://api.test/a?b', headers: [] })
    expect(Buffer.from(body ?? []).toString()).toBe('a=é')
    expect(signal.aborted).toBe(true)
    expect((await fetched('http://a.b.sub.test/', { event: 'origin-response' })).value).toContain(201)
  })

  test.each([
    ['https://other.test/', {}, /may not go to other\.test/],
    ['https://sub.test/', {}, /may not go to sub\.test/],
    ['https://api.test.evil.test/', {}, /may not go to/],
    ['https://api.test@evil.test/', {}, /may not go to evil\.test/],
    ['file:///etc/passwd', {}, /takes http and https/],
    ['https://api.test/', { event: 'viewer-request' as const }, /is for origin-request and origin-response/],
    ['https://api.test/', { fetch: () => Promise.reject(new Error('refused')) }, /^fetch failed: refused$/],
    [
      'https://api.test/',
      {
        fetch: () => Promise.resolve({ status: 200, headers: [], body: new Uint8Array(8 * 1024 * 1024 + 1) }),
      },
      /longer than 8388608 bytes/,
    ],
  ])('of %s with %j fails with a message', async (url, more, message) => {
    const { value, asked } = await fetched(url, more)
    expect(value).toMatch(message)
    expect(asked).toEqual([])
  })

  test('is not there for CloudFront’s functions', async () => {
    expect(await outcomeOf('cloudfront-js-2.0', 'function handler() { return typeof fetch }')).toMatchObject({
      value: 'undefined',
    })
  })
})

test('a sandbox stays warm for its function, and a date is that of each run', async () => {
  let now = 1000
  const code = 'let runs = 0; function handler() { return [++runs, Date.now()] }'
  const runner = await runnerOf([program('cloudfront-js-2.0', code)], new Map(), {
    clock: { now: () => instant(now) },
  })
  const run = async () => {
    const outcome = await runner.run({ function: named('f'), event: 'viewer-request', argument: {} })
    return outcome.kind === 'returned' ? outcome.value : outcome
  }
  expect(await run()).toEqual([1, 1000])
  now = 2000
  expect(await run()).toEqual([2, 2000])
})
