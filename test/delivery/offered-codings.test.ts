import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { request } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Behaviour } from '../../src/distribution/index.ts'
import { SiteBench, type Script } from './site-bench.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const TEXT = 'a text that is long enough to be compressed. '.repeat(60)

/** A site that answers in the first coding that it is offered and knows. */
function codingSite(knows: readonly string[], vary = false): Script {
  return (asked, response) => {
    const offered = String(asked.headers['accept-encoding']).split(',')
    const coding = offered.find(each => knows.includes(each))
    const body =
      coding === 'br' ? brotliCompressSync(TEXT) : coding === 'gzip' ? gzipSync(TEXT) : Buffer.from(TEXT)
    response.writeHead(200, {
      ...{ 'Content-Type': 'text/plain', 'Cache-Control': 'max-age=60', 'Content-Length': body.length },
      ...(coding !== undefined && { 'Content-Encoding': coding }),
      ...(vary && { Vary: 'Accept-Encoding' }),
    })
    response.end(body)
  }
}

interface Got {
  coding: string | undefined
  vary: string | undefined
  text: boolean
}

function fetched(bench: SiteBench, accepts: string | undefined): Promise<Got> {
  const { hostname, port } = new URL(bench.bench.url)
  const headers = accepts === undefined ? {} : { 'Accept-Encoding': accepts }
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: '/a', headers, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
      response.on('end', () => {
        const { 'content-encoding': coding, vary } = response.headers
        const body = Buffer.concat(chunks)
        const plain =
          coding === 'br' ? brotliDecompressSync(body) : coding === 'gzip' ? gunzipSync(body) : body
        resolve({ coding, vary, text: plain.toString() === TEXT })
      })
    })
    sent.on('error', reject).end()
  })
}

const VIEWERS = ['gzip, deflate, br', 'br;q=1.0, gzip;q=0.5', 'gzip', 'deflate', undefined, 'br', 'gzip;q=0']

describe.each([
  ['at an edge', false],
  ['through a regional cache', true],
])('%s', (_where, between) => {
  async function site(script: Script, behaviour: Partial<Behaviour>): Promise<SiteBench> {
    const bench = await SiteBench.start(script, behaviour, { between })
    closers.push(() => bench.close())
    return bench
  }

  async function run(bench: SiteBench): Promise<[coding: string | undefined, whole: boolean][]> {
    const all: [string | undefined, boolean][] = []
    for (const accepts of VIEWERS) {
      const { coding, text } = await fetched(bench, accepts)
      all.push([coding, text])
    }
    return all
  }

  test.each([
    ['that says so', true],
    ['that says nothing of it', false],
  ])('what a site %s sends coded is kept once for each that viewers take', async (_, vary) => {
    const bench = await site(codingSite(['br', 'gzip'], vary), {
      acceptEncoding: ['br', 'gzip'],
      compress: false,
    })
    expect(await run(bench)).toEqual([
      ['br', true],
      ['br', true],
      ['gzip', true],
      [undefined, true],
      [undefined, true],
      ['br', true],
      [undefined, true],
    ])
    expect(bench.told('accept-encoding')).toEqual(['br,gzip', 'gzip', 'identity', 'br'])
    expect((await fetched(bench, 'gzip')).vary).toBe('Accept-Encoding')
  })

  test('what a site sends as it is is one object for all, of which codings are derived', async () => {
    const bench = await site(codingSite([]), { acceptEncoding: ['br', 'gzip'] })
    expect(await run(bench)).toEqual([
      ['br', true],
      ['br', true],
      ['gzip', true],
      [undefined, true],
      [undefined, true],
      ['br', true],
      [undefined, true],
    ])
    expect(bench.told('accept-encoding')).toEqual(['br,gzip'])
  })

  test('one coding alone is offered where one is wanted', async () => {
    const bench = await site(codingSite(['br', 'gzip']), { acceptEncoding: ['gzip'], compress: false })
    const all = await run(bench)
    expect(all.map(([coding]) => coding)).toEqual(['gzip', 'gzip', 'gzip', ...Array<undefined>(4)])
    expect(bench.told('accept-encoding')).toEqual(['gzip', 'identity'])
  })

  test.each([
    ['left out', {}],
    ['empty', { acceptEncoding: [] }],
  ])('%s, nothing is offered', async (_, behaviour) => {
    const bench = await site(codingSite(['br', 'gzip']), behaviour)
    expect((await run(bench)).map(([coding]) => coding)).toEqual([
      'br',
      'br',
      'gzip',
      undefined,
      undefined,
      'br',
      undefined,
    ])
    expect(bench.told('accept-encoding')).toEqual(['identity'])
  })
})
