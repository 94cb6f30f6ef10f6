import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { MiB } from '../../src/core/index.ts'
import { ForeignOrigin } from '../delivery/foreign-origin.ts'
import { Comparison, serveGenerated, type LargeObject } from '../delivery/large-origin.ts'

const LENGTH = 20_000_000_000 + 4_321
/** The edge has 64 MiB for objects; the rest is its own, and what a collector has not come to yet. */
const MOST_GROWTH = 400 * MiB

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Edge {
  url: string
  /** Resident bytes of its process, every quarter of a second. */
  memory: number[]
}

async function startEdge(origin: ForeignOrigin): Promise<Edge> {
  const file = fileURLToPath(new URL('large-edge.ts', import.meta.url))
  const loader = new URL('../control/typescript-loader.mjs', import.meta.url).href
  const child: ChildProcess = fork(file, [origin.url], { execArgv: ['--import', loader] })
  closers.push(async () => {
    child.disconnect()
    await once(child, 'exit')
  })
  const edge: Edge = { url: '', memory: [] }
  await new Promise<void>((resolve, reject) => {
    child.on('exit', code => reject(new Error(`the edge ended with ${code}`)))
    child.on('message', (said: { url?: string; rss?: number }) => {
      if (said.rss !== undefined) edge.memory.push(said.rss)
      if (said.url !== undefined) edge.url = said.url
      if (said.url !== undefined) resolve()
    })
  })
  return edge
}

async function read(
  url: string,
  range?: string,
): Promise<{ status?: number | undefined; bytes: number; wrong: number }> {
  const sent = request(`${url}/film`, { agent: false, headers: range === undefined ? {} : { Range: range } })
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage] // what `response` hands over
  const first = Number(/^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1] ?? 0)
  const comparison = new Comparison(first)
  answer.on('data', (chunk: Buffer) => comparison.add(chunk))
  await once(answer, 'end')
  return { status: answer.statusCode, bytes: comparison.at - first, wrong: comparison.wrong }
}

test.each([
  ['with', { saysLength: true }],
  ['without', { saysLength: false }],
])(
  '20 GB %s Content-Length are every byte of the origin, in memory that stays as it is',
  async (_, change) => {
    const object: LargeObject = { length: LENGTH, etag: '"v1"', ...change }
    const origin = await ForeignOrigin.start((asked, response) => serveGenerated(asked, response, object))
    closers.push(() => origin.close())
    const edge = await startEdge(origin)
    const whole = read(edge.url)
    let isOver = false
    void whole.finally(() => (isOver = true))
    // Ranges are known of what has said its length, while the whole is on its way.
    const random: { status?: number | undefined; bytes: number; wrong: number; wanted: number }[] = []
    for (
      let seed = 7;
      object.saysLength === true && !isOver && random.length < 200;
      seed = (seed * 48_271) % 2_147_483_647
    ) {
      const first = Math.floor((seed / 2_147_483_647) * (LENGTH - MiB))
      const wanted = 1 + (seed % MiB)
      random.push({ ...(await read(edge.url, `bytes=${first}-${first + wanted - 1}`)), wanted })
    }
    expect(await whole).toEqual({ status: 200, bytes: LENGTH, wrong: 0 })
    for (const { status, bytes, wrong, wanted } of random)
      expect([status, bytes, wrong]).toEqual([206, wanted, 0])
    expect(random.length > 5).toBe(object.saysLength === true)
    expect(origin.asked.filter(({ fields }) => fields.range === undefined).length).toBe(1)
    const settled = Math.min(...edge.memory.slice(8, 24))
    expect(Math.max(...edge.memory) - settled).toBeLessThan(MOST_GROWTH)
    console.log(
      `memory of the edge: ${Math.round(settled / MiB)} to ${Math.round(Math.max(...edge.memory) / MiB)} MiB; ${random.length} ranges meanwhile`,
    )
  },
  900_000,
)
