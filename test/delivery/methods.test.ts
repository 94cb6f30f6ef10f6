import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerId } from '../../src/core/index.ts'
import type { Behaviour } from '../../src/distribution/index.ts'
import { snapshotOf } from './edge-bench.ts'
import { counting, SiteBench, type Script, type SiteOptions } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function site(
  behaviour: Partial<Behaviour>,
  options: SiteOptions & { script?: Script } = {},
): Promise<SiteBench> {
  const { script = counting({ 'Cache-Control': 'max-age=60' }), ...more } = options
  const bench = await SiteBench.start(script, behaviour, more)
  closers.push(() => bench.close())
  return bench
}

test('with methods "get" nothing but GET and HEAD is allowed', async () => {
  const bench = await site({ methods: 'get' })
  const answers: unknown[] = []
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'DELETE', 'PURGE']) {
    const { status, headers } = await bench.ask(method, '/a', { Origin: 'https://a.example' })
    answers.push([method, status, headers['x-sluice-reason']])
  }
  expect(answers).toEqual([
    ['GET', 200, undefined],
    ['HEAD', 200, undefined],
    ...['OPTIONS', 'POST', 'DELETE', 'PURGE'].map(method => [method, 403, 'method']),
  ])
  expect(bench.asked.map(({ method }) => method)).toEqual(['GET'])
})

describe('answers to OPTIONS that are kept', () => {
  const ASKED = { Origin: 'https://a.example', 'Access-Control-Request-Method': 'PUT' }
  const script: Script = (request, response) => {
    const allow = {
      'Access-Control-Allow-Origin': request.headers.origin ?? '',
      'Access-Control-Allow-Methods': 'PUT',
    }
    if (request.method === 'OPTIONS') response.writeHead(204, { ...allow, Allow: 'GET, PUT' }).end()
    else response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': 1 }).end('a')
  }

  test.each([
    ['read', 'at an edge', false],
    ['all', 'at an edge', false],
    ['read', 'beside a regional cache', true],
  ] as const)('are of the origin, apart from those to GET: methods %s, %s', async (methods, _, between) => {
    const keepOptions = { keepOptions: true, headers: ['origin'] }
    const bench = await site({ methods, ...keepOptions }, { script, between })
    const words: unknown[] = []
    for (const [method, origin] of [
      ['OPTIONS', 'https://a.example'],
      ['GET', 'https://a.example'],
      ['OPTIONS', 'https://a.example'],
      ['HEAD', 'https://a.example'],
      ['OPTIONS', 'https://b.example'],
    ] as const) {
      const { status, headers } = await bench.ask(method, '/a', { ...ASKED, Origin: origin })
      words.push([
        method,
        status,
        headers['x-cache'],
        headers['allow'],
        headers['access-control-allow-origin'],
      ])
    }
    const a = ['GET, PUT', 'https://a.example']
    expect(words).toEqual([
      ['OPTIONS', 204, 'Miss from sluice', ...a],
      ['GET', 200, 'Miss from sluice', undefined, '*'],
      ['OPTIONS', 204, 'Hit from sluice', ...a],
      ['HEAD', 200, 'Hit from sluice', undefined, '*'],
      ['OPTIONS', 204, 'Miss from sluice', 'GET, PUT', 'https://b.example'],
    ])
    expect(bench.asked.map(({ method }) => method)).toEqual(['OPTIONS', 'GET', 'OPTIONS'])
  })

  test.each<[string, Partial<Behaviour>, string[]]>([
    ['left out, with read', { methods: 'read' }, []],
    ['left out, with all', { methods: 'all' }, ['OPTIONS', 'OPTIONS']],
    [
      'behind a gate',
      {
        methods: 'all',
        keepOptions: true,
        gate: { keyGroups: snapshotOf().keyGroups.map(({ id }) => id), issuers: [] as IssuerId[] },
      },
      [],
    ],
    [
      'answered by a policy',
      {
        methods: 'all',
        keepOptions: true,
        responseHeaders: {
          custom: [],
          remove: [],
          cors: {
            origins: ['*'],
            credentials: false,
            headers: ['*'],
            methods: ['ALL'],
            expose: [],
            override: true,
          },
        },
      },
      [],
    ],
  ])('are not: %s', async (_, behaviour, asked) => {
    const bench = await site(behaviour, { script })
    for (const time of [1, 2])
      expect([time, (await bench.ask('OPTIONS', '/a', ASKED)).status]).toEqual([time, 204])
    expect(bench.asked.map(({ method }) => method)).toEqual(asked)
  })

  test('are undone by what changes the path, and by nothing else that is asked of it', async () => {
    const bench = await site(
      { methods: 'all', keepOptions: true },
      { script: counting({ 'Cache-Control': 'max-age=60' }) },
    )
    const bodies: string[] = []
    for (const [method, headers] of [
      ['OPTIONS', {}],
      ['OPTIONS', { 'If-None-Match': '*', Range: 'bytes=0-0' }],
      ['POST', {}],
      ['OPTIONS', {}],
    ] as const) {
      const { status, body } = await bench.ask(method, '/a', headers)
      bodies.push(`${status} ${body}`)
    }
    expect(bodies).toEqual(['200 1', '200 1', '200 2', '200 3'])
  })
})
