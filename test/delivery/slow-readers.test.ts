import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SlowReaders, type HeldBody } from '../../src/delivery/answer/slow-readers.ts'
import { EdgeBench } from './edge-bench.ts'
import { keptLog } from './foreign-origin.ts'

describe('bodies that are held', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  class Body implements HeldBody {
    readonly id = {}
    size: number
    stored: boolean

    constructor(size: number, stored = false) {
      this.size = size
      this.stored = stored
    }
    bytes(): number {
      return this.size
    }
    isStored(): boolean {
      return this.stored
    }
  }

  function holding(most: number) {
    const readers = new SlowReaders({ most })
    const cut: string[] = []
    const hold = (name: string, body: Body): (() => void) => readers.hold(body, () => void cut.push(name))
    return { readers, cut, hold }
  }

  test('count once, however many hold them, until the last has let go', () => {
    const { readers, hold } = holding(1_000)
    const body = new Body(400)
    const leave = ['a', 'b', 'c'].map(name => hold(name, body))
    expect(readers.bytes).toBe(400)
    leave.slice(0, 2).forEach(go => go())
    expect(readers.bytes).toBe(400)
    leave.forEach(go => go())
    expect([readers.bytes, readers.cuts]).toEqual([0, 0])
  })

  test('cost those their connection who have been at one write for longest', () => {
    const { readers, cut, hold } = holding(1_000)
    const first = hold('a', new Body(400))
    hold('b', new Body(400))
    first()
    hold('a again', new Body(400))
    hold('c', new Body(400))
    expect([cut, readers.bytes, readers.cuts]).toEqual([['b'], 800, 1])
  })

  test('cost nobody anything while they are stored, and do when they are no more', () => {
    const { readers, cut, hold } = holding(1_000)
    const bodies = Array.from({ length: 5 }, () => new Body(400, true))
    bodies.forEach((body, n) => hold(String(n), body))
    expect([cut, readers.bytes <= 1_000]).toEqual([[], true])
    for (const body of bodies) body.stored = false
    vi.advanceTimersByTime(1_000)
    expect([cut, readers.bytes]).toEqual([['0', '1', '2'], 800])
  })

  test('cost nobody anything for the sake of others that are stored', () => {
    const { readers, cut, hold } = holding(1_000)
    const bodies = [new Body(400), new Body(400), new Body(400, true), new Body(400, true)]
    bodies.forEach((body, n) => hold(String(n), body))
    vi.advanceTimersByTime(3_000)
    expect([cut, readers.bytes]).toEqual([[], 800])
    hold('4', new Body(400))
    expect([cut, readers.bytes]).toEqual([['0'], 800])
  })

  test('count as what they have grown to', () => {
    const { readers, cut, hold } = holding(1_000)
    const body = new Body(10)
    hold('a', body)
    body.size = 2_000
    vi.advanceTimersByTime(1_000)
    expect([cut, readers.bytes]).toEqual([['a'], 0])
    hold('b', new Body(900))
    expect(readers.bytes).toBe(900)
  })
})

describe('viewers who stop reading', () => {
  const LENGTH = 6_000_000
  const sockets: Socket[] = []
  let bench: EdgeBench
  const { log, lines: logged } = keptLog()

  beforeEach(async () => {
    bench = await EdgeBench.start(
      (_request, response) => {
        response.setHeader('Cache-Control', 'max-age=60')
        response.end(Buffer.alloc(LENGTH, 7))
      },
      { log },
    )
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await bench.close()
  })

  /** Asks, and takes no more than the first bytes. */
  async function stop(path: string): Promise<void> {
    const { port, hostname } = new URL(bench.url)
    const socket = connect({ port: Number(port), host: hostname })
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    await new Promise<void>(resolve => socket.once('readable', resolve))
  }

  async function got(path: string): Promise<number> {
    return (await (await fetch(`${bench.url}${path}`)).arrayBuffer()).byteLength
  }

  test('hold no more bodies than there is memory for, and others are served', async () => {
    // 64 MiB of cache, and half as much for what is only held.
    for (let n = 0; n < 24; n++) {
      await got(`/vod/${n}.mp4`)
      await stop(`/vod/${n}.mp4`)
    }
    const { slowReaders } = bench.node
    await vi.waitFor(() => expect(slowReaders.cuts).toBeGreaterThanOrEqual(5), { timeout: 10_000 })
    await vi.waitFor(() => expect(slowReaders.bytes).toBeLessThanOrEqual(32 * 1024 * 1024))
    expect(slowReaders.cuts).toBeLessThan(20)
    expect(await got('/vod/other.mp4')).toBe(LENGTH)
    const reasons = bench.lines
      .map(({ reason }) => reason)
      .filter(reason => reason !== undefined && reason !== null)
    expect(new Set(reasons)).toEqual(new Set(['too-slow']))
    expect(logged.join()).toContain('too-slow')
  }, 30_000)

  test('are left alone with what is stored', async () => {
    for (let n = 0; n < 8; n++) await got(`/vod/${n}.mp4`)
    for (let n = 0; n < 24; n++) await stop(`/vod/${n % 8}.mp4`)
    const { slowReaders } = bench.node
    await vi.waitFor(() => expect(slowReaders.bytes).toBeGreaterThan(0))
    expect([slowReaders.cuts, slowReaders.bytes <= 32 * 1024 * 1024, bench.asked.length]).toEqual([
      0,
      true,
      8,
    ])
  })
})
