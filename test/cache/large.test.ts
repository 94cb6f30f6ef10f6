import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bodyOf, bytes, LargeBench, readAll, settle, SLICE, START } from './large-bench.ts'
import type { CacheRequest } from '../../src/cache/index.ts'
import { after } from '../../src/core/index.ts'

describe('a cold large object', () => {
  test('is one request upstream, whole for everybody, and in store afterwards', async () => {
    const bench = new LargeBench()
    const founds = await Promise.all(Array.from({ length: 20 }, () => bench.get()))
    const bodies = await Promise.all(founds.map(found => bodyOf(found)))
    for (const body of bodies) expect(body).toEqual(bytes(1, 0, 199))
    expect(bench.ranges).toEqual(['whole'])
    const again = await bench.get()
    expect(again).toMatchObject({ kind: 'filling', source: 'hit', joined: false, fill: { length: 200 } })
    expect(await bodyOf(again)).toEqual(bytes(1, 0, 199))
    expect(again.kind === 'filling' && (await again.fill.reach?.(0, 199))).toEqual({ kind: 'stored' })
    expect(bench.ranges).toEqual(['whole'])
  })

  test('of which a range is wanted is asked for the slices of the range alone', async () => {
    const bench = new LargeBench()
    const fill = await bench.filling('bytes=50-70')
    expect(await readAll(fill, 50, 70)).toEqual(bytes(1, 50, 70))
    expect(bench.ranges).toEqual(['48-63', '64-79'])
    expect(bench.asked[1]).toMatchObject({ ifRange: '"1"', validators: undefined })
    expect(await readAll(await bench.filling('bytes=48-79'), 48, 79)).toEqual(bytes(1, 48, 79))
    expect(bench.ranges.length).toBe(2)
  })

  test('of which the end is wanted is asked for its first slice, which tells the length', async () => {
    const bench = new LargeBench()
    const fill = await bench.filling('bytes=-20')
    expect(fill.length).toBe(200)
    expect(await readAll(fill, 180, 199)).toEqual(bytes(1, 180, 199))
    expect(bench.ranges).toEqual(['0-15', '176-199'])
  })

  test('goes on with the whole where its origin does not heed ranges', async () => {
    const bench = new LargeBench({ ranges: 'claimed' })
    const fill = await bench.filling('bytes=150-160')
    expect(await readAll(fill, 150, 160)).toEqual(bytes(1, 150, 160))
    expect(bench.ranges).toEqual(['144-159'])
  })

  test('that a range shows to be small is stored whole', async () => {
    const bench = new LargeBench({ length: 9 })
    expect(await bodyOf(await bench.get('bytes=2-4'))).toEqual(bytes(1, 0, 8))
    await settle()
    expect(await bench.get()).toMatchObject({ kind: 'hit', object: { status: 200, body: bytes(1, 0, 8) } })
    expect(bench.ranges).toEqual(['0-15'])
  })

  test('that is empty is asked for whole', async () => {
    const bench = new LargeBench({ length: 0 })
    expect(await bodyOf(await bench.get('bytes=2-4'))).toEqual(Buffer.alloc(0))
    expect(bench.ranges).toEqual(['0-15', 'whole'])
  })

  test('that ends before the range is told so, and others get what there is', async () => {
    const bench = new LargeBench()
    expect(await bench.get('bytes=500-')).toMatchObject({ kind: 'passing', answer: { status: 416 } })
    expect(await bodyOf(await bench.get())).toEqual(bytes(1, 0, 199))
    expect((await bench.get()).kind).toBe('filling')
  })

  test.each([
    ['validator', { etag: undefined }],
    ['strong validator', { etag: 'W/"1"' }],
  ])('without a %s gives each viewer the range that he asked for', async (_, origin) => {
    const bench = new LargeBench(origin)
    const found = await bench.get('bytes=50-70')
    expect(found).toMatchObject({ kind: 'passing', answer: { status: 206 }, reason: 'too-large' })
    expect(await bodyOf(found)).toEqual(bytes(1, 50, 70))
    expect(bench.ranges).toEqual(['48-63', '50-70'])
    await bodyOf(await bench.get('bytes=60-61'))
    expect(bench.ranges.slice(2)).toEqual(['60-61'])
  })

  test('longer than any may be is refused before a byte of it is taken', async () => {
    const bench = new LargeBench({}, { limit: 199 })
    await expect(bench.get()).rejects.toMatchObject({ code: 'too-large', side: 'upstream' })
    expect(bench.sent).toMatchObject([{ taken: 0, destroyed: true }])
  })
})

describe('an object of unknown length', () => {
  const unknown = { saysLength: false }

  test('goes over into slices when it has become large, and has its description in the end', async () => {
    const bench = new LargeBench(unknown)
    const [one, two] = await Promise.all([bench.get(), bench.get()])
    expect(await Promise.all([bodyOf(one), bodyOf(two)])).toEqual([bytes(1, 0, 199), bytes(1, 0, 199)])
    await settle()
    expect(await bench.get()).toMatchObject({ kind: 'filling', source: 'hit', fill: { length: 200 } })
    expect(await bodyOf(await bench.get())).toEqual(bytes(1, 0, 199))
    expect(bench.ranges).toEqual(['whole'])
  })

  test.each([128, 127, 129])('of %i bytes ends where it ends', async length => {
    const bench = new LargeBench({ ...unknown, length })
    expect(await bodyOf(await bench.get())).toEqual(bytes(1, 0, length - 1))
    await settle()
    expect(await bodyOf(await bench.get())).toEqual(bytes(1, 0, length - 1))
    expect(bench.ranges).toEqual(['whole'])
  })

  test('that is joined late gives what has passed, and what is to come', async () => {
    const bench = new LargeBench(unknown)
    let open = (): void => {}
    let passed = 0
    bench.gate = async () => {
      if (passed++ === 15) await new Promise<void>(resolve => (open = resolve))
    }
    const first = bodyOf(await bench.get())
    await settle()
    const late = await bench.get()
    expect(late).toMatchObject({ kind: 'filling', joined: true })
    const second = bodyOf(late)
    await settle()
    open()
    expect(await Promise.all([first, second])).toEqual([bytes(1, 0, 199), bytes(1, 0, 199)])
    expect(bench.ranges).toEqual(['whole'])
  })

  test('is cut at the limit, and nothing of it stays', async () => {
    const bench = new LargeBench(unknown, { limit: 150 })
    await expect(bodyOf(await bench.get())).rejects.toMatchObject({ code: 'too-large' })
    await settle()
    expect([bench.cache.objects, bench.cache.fills]).toEqual([0, 0])
    expect(bench.sent[0]?.destroyed).toBe(true)
  })

  test('that has no validator is streamed past all bounds and not stored', async () => {
    const bench = new LargeBench({ ...unknown, etag: undefined, length: 300_000, chunk: 5_000 })
    const body = await bodyOf(await bench.get())
    expect(body.equals(bytes(1, 0, 299_999))).toBe(true)
    await settle()
    expect([bench.cache.objects, bench.cache.fills]).toEqual([0, 0])
  })

  test('that breaks off never looks whole', async () => {
    const bench = new LargeBench({ ...unknown, cutAfter: 150, ranges: 'ignored' })
    await expect(bodyOf(await bench.get())).rejects.toThrow('reset')
    await settle()
    expect([bench.cache.objects, bench.cache.fills]).toEqual([0, 0])
  })
})

describe('a transfer', () => {
  test('runs ahead of its reader by eight slices, and then leaves the rest to the origin', async () => {
    const bench = new LargeBench({ length: 1_000, chunk: SLICE })
    const reader = (await bench.filling()).read(0)[Symbol.asyncIterator]()
    await reader.next()
    await settle()
    expect(bench.sent[0]?.taken).toBe(10 * SLICE)
    await reader.next()
    await settle()
    expect(bench.sent[0]?.taken).toBe(11 * SLICE)
    await reader.return?.(undefined)
    await settle()
    expect(bench.sent[0]).toMatchObject({ destroyed: true, ended: false })
    // What was whole stays.
    expect(await readAll(await bench.filling(), 0, 9 * SLICE - 1)).toEqual(bytes(1, 0, 9 * SLICE - 1))
    expect(bench.ranges).toEqual(['whole'])
  })

  test('is not ended by one who leaves while others read', async () => {
    const bench = new LargeBench({ length: 1_000 })
    const [one, two] = [await bench.filling(), await bench.filling()]
    const leaver = one.read(0)[Symbol.asyncIterator]()
    const stayer = two.read(0)[Symbol.asyncIterator]()
    await Promise.all([leaver.next(), stayer.next()])
    await leaver.return?.(undefined)
    let read = 0
    for (let next = await stayer.next(); next.done !== true; next = await stayer.next())
      read += next.value.length
    expect(read).toBeGreaterThan(900)
    expect(bench.ranges).toEqual(['whole'])
  })

  test('does not wait for a slow reader, who asks for what he has missed himself', async () => {
    // Room for the description and a few slices.
    const bench = new LargeBench({ length: 2_000 }, { maxBytes: 8_000 })
    const slow = (await bench.filling()).read(0)[Symbol.asyncIterator]()
    const first = await slow.next()
    expect(await readAll(await bench.filling())).toEqual(bytes(1, 0, 1_999))
    expect(bench.ranges).toEqual(['whole'])
    const chunks = [Buffer.from(first.done === true ? [] : first.value)]
    for (let next = await slow.next(); next.done !== true; next = await slow.next())
      chunks.push(Buffer.from(next.value))
    expect(Buffer.concat(chunks)).toEqual(bytes(1, 0, 1_999))
    expect(bench.ranges.length).toBeGreaterThan(1)
    // Side by side they are asked for together.
    expect(bench.ranges.length).toBeLessThan(15)
  })

  test('that breaks off is taken up where it was', async () => {
    const bench = new LargeBench({ cutAfter: 60 })
    const found = await bench.get()
    const reading = bodyOf(found)
    await settle()
    expect(await reading).toEqual(bytes(1, 0, 199))
    expect(bench.ranges[0]).toBe('whole')
  })

  test('that brings nothing is not asked for without end', async () => {
    const bench = new LargeBench({})
    await bodyOf(await bench.get('bytes=0-3'), 0, 3)
    bench.origin.cutAfter = 0
    await expect(readAll(await bench.filling('bytes=20-30'), 20, 30)).rejects.toThrow('reset')
    expect(bench.ranges).toEqual(['0-15', '16-31', '16-31', '16-31'])
  })

  test('of one slice serves all who want it', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get('bytes=0-3'), 0, 3)
    const fills = await Promise.all(Array.from({ length: 30 }, () => bench.filling('bytes=100-120')))
    const read = await Promise.all(fills.map(fill => readAll(fill, 100, 120)))
    for (const body of read) expect(body).toEqual(bytes(1, 100, 120))
    expect(bench.ranges).toEqual(['0-15', '96-127'])
  })

  test('that nobody reads is not taken far', async () => {
    const bench = new LargeBench({ chunk: SLICE })
    await bench.get()
    await settle()
    expect(bench.sent[0]?.taken).toBeLessThanOrEqual(2 * SLICE)
  })
})

describe('another version', () => {
  test('cuts whoever reads the old one, and is there for who comes then', async () => {
    const bench = new LargeBench({ length: 400 })
    await bodyOf(await bench.get('bytes=0-3'), 0, 3)
    const old = await bench.filling('bytes=0-')
    const reader = old.read(0)[Symbol.asyncIterator]()
    await reader.next()
    Object.assign(bench.origin, { version: 2, etag: '"2"' })
    const rest = (async () => {
      const chunks: Buffer[] = []
      for (let next = await reader.next(); next.done !== true; next = await reader.next())
        chunks.push(Buffer.from(next.value))
      return Buffer.concat(chunks)
    })()
    await expect(rest).rejects.toMatchObject({ code: 'upstream-changed' })
    expect(await bodyOf(await bench.get())).toEqual(bytes(2, 0, 399))
  })

  test('is noticed before a head is written, and found in place of the old one', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get('bytes=0-3'), 0, 3)
    const old = await bench.filling('bytes=100-110')
    Object.assign(bench.origin, { version: 2, etag: '"2"', length: 300 })
    const reached = await old.reach?.(100, 110)
    expect(reached).toMatchObject({ kind: 'changed', found: { kind: 'filling', fill: { length: 300 } } })
    const found = reached?.kind === 'changed' ? reached.found : undefined
    expect(found && (await bodyOf(found, 100, 110))).toEqual(bytes(2, 100, 110))
    expect(bench.ranges).toEqual(['0-15', '96-111', '96-111'])
  })

  test('that has the same length and tag but another total is not believed', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get('bytes=0-3'), 0, 3)
    bench.origin.length = 300
    await expect(readAll(await bench.filling(), 100, 110)).rejects.toMatchObject({ code: 'upstream-changed' })
  })
})

describe('a stale large object', () => {
  test('is asked for once, and keeps its slices when it is still right', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get())
    bench.now = after(START, 61_000)
    const found = await bench.get()
    expect(found).toMatchObject({ kind: 'filling', source: 'refreshed' })
    expect(await bodyOf(found)).toEqual(bytes(1, 0, 199))
    expect(await bench.get()).toMatchObject({ source: 'hit' })
    expect(bench.asked.map(({ validators }) => validators?.etag)).toEqual([undefined, '"1"'])
  })

  test('is replaced when it is not', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get())
    bench.now = after(START, 61_000)
    Object.assign(bench.origin, { version: 2, etag: '"2"' })
    const found = await bench.get('bytes=100-110')
    expect(await bodyOf(found, 100, 110)).toEqual(bytes(2, 100, 110))
    expect(bench.ranges).toEqual(['whole', '96-111'])
    expect(await bodyOf(await bench.get())).toEqual(bytes(2, 0, 199))
  })

  test('is served stale while its origin is away, as far as it is here', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get())
    bench.now = after(START, 61_000)
    bench.origin.fail = new Error('down')
    const found = await bench.get()
    expect(found).toMatchObject({ kind: 'filling', source: 'stale' })
    expect(await bodyOf(found)).toEqual(bytes(1, 0, 199))
  })

  test('is undone by an invalidation together with its slices', async () => {
    const bench = new LargeBench()
    await bodyOf(await bench.get())
    bench.sequence = bench.newest = 1
    // The same tag, since whoever invalidates may have changed the bytes beneath it.
    bench.origin.version = 2
    expect(await bodyOf(await bench.get('bytes=20-40'), 20, 40)).toEqual(bytes(2, 20, 40))
    expect(await bodyOf(await bench.get())).toEqual(bytes(2, 0, 199))
  })

  test('keeps no slice that comes from a tier which has not applied an invalidation yet', async () => {
    const bench = new LargeBench()
    bench.sequence = bench.newest = 5
    const read = async (): Promise<Buffer> => bodyOf(await bench.get('bytes=32-47'), 32, 47)
    await bodyOf(await bench.get('bytes=0-15'), 0, 15)
    for (const sequence of [4, 5, 5]) {
      bench.origin.sequence = sequence
      expect(await read()).toEqual(bytes(1, 32, 47))
    }
    expect(bench.ranges).toEqual(['0-15', '32-47', '32-47'])
  })

  test('that a request undid while the clock was ahead keeps slices again when it has been set back', async () => {
    const bench = new LargeBench()
    const { distributionId, path } = bench.request()
    bench.now = after(START, 3_600_000)
    await bench.cache.forget({ distributionId, path })
    bench.now = START
    const read = async (): Promise<Buffer> => bodyOf(await bench.get('bytes=32-47'), 32, 47)
    await bodyOf(await bench.get('bytes=0-15'), 0, 15)
    for (let round = 0; round < 2; round++) expect(await read()).toEqual(bytes(1, 32, 47))
    expect(bench.ranges).toEqual(['0-15', '32-47'])
  })
})

describe('a range behind the end of an object of which nothing is known', () => {
  const about = (bench: LargeBench, range: string, ifRange?: string): CacheRequest => ({
    ...bench.request(range),
    ...(ifRange !== undefined && { ifRange }),
  })

  test('is no reason against the whole, where another version is what the viewer has a part of', async () => {
    const bench = new LargeBench()
    const found = await bench.cache.lookup(about(bench, 'bytes=5000-', '"old"'))
    expect([found.kind, await bodyOf(found)]).toEqual(['filling', bytes(1, 0, 199)])
    expect(bench.asked.map(({ range, ifRange }) => [range, ifRange])).toEqual([
      ['bytes=4992-5007', undefined],
      ['bytes=5000-', '"old"'],
    ])
  })

  test('is one under If-Range too where that fits', async () => {
    const bench = new LargeBench()
    const found = await bench.cache.lookup(about(bench, 'bytes=5000-', '"1"'))
    expect(found).toMatchObject({ kind: 'passing', answer: { status: 416 } })
  })

  test('is no reason against the others that were asked for with it', async () => {
    const bench = new LargeBench()
    const answers: number[] = []
    const request = about(bench, 'bytes=5000-5001,0-1')
    const ask: CacheRequest['ask'] = async question => {
      const answer = await request.ask(question)
      answers.push(answer.status)
      return answer
    }
    // The origin of this bench answers several ranges with the whole.
    expect(await bodyOf(await bench.cache.lookup({ ...request, ask }))).toEqual(bytes(1, 0, 199))
    expect(answers).toEqual([416, 200])
  })
})

describe('a part that its origin wants shared with nobody', () => {
  test.each(['no-store', 'private', 'private, no-store'])(
    'goes to each who asks, and neither it nor the description is kept: %s',
    async cacheControl => {
      const bench = new LargeBench()
      await bodyOf(await bench.get('bytes=0-3'), 0, 3)
      await settle()
      bench.origin.cacheControl = cacheControl
      const fills = await Promise.all([0, 1, 2].map(() => bench.filling('bytes=32-35')))
      expect(await Promise.all(fills.map(async fill => fill.reach?.(32, 35)))).toEqual(
        fills.map(() => ({ kind: 'fetched' })),
      )
      expect(await Promise.all(fills.map(fill => readAll(fill, 32, 35)))).toEqual(
        fills.map(() => bytes(1, 32, 35)),
      )
      await settle()
      expect(bench.ranges).toEqual(['0-15', '32-47', '32-35', '32-35', '32-35'])
      expect([bench.cache.objects, bench.cache.fills]).toEqual([0, 0])
      expect(await bench.get('bytes=32-35')).toMatchObject({ kind: 'passing' })
    },
  )

  test('is kept where the behaviour says so', async () => {
    const bench = new LargeBench({ cacheControl: 'private' })
    const bounds = { minimum: 60, default: 60, maximum: 60 }
    const read = async (first: number, last: number): Promise<Buffer> =>
      bodyOf(await bench.cache.lookup({ ...bench.request(`bytes=${first}-${last}`), bounds }), first, last)
    await read(0, 3)
    expect([await read(32, 35), await read(36, 39)]).toEqual([bytes(1, 32, 35), bytes(1, 36, 39)])
    expect(bench.ranges).toEqual(['0-15', '32-47'])
  })
})

test('any ranges, of any object, whatever slices are there and however the origin cuts, are the bytes of the origin', async () => {
  const range = fc.tuple(fc.nat(320), fc.nat(120))
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        length: fc.integer({ min: 1, max: 300 }),
        chunk: fc.integer({ min: 1, max: 60 }),
        saysLength: fc.boolean(),
        ranges: fc.constantFrom('served', 'ignored', 'claimed'),
        maxBytes: fc.constantFrom(8_000, 1_000_000),
      }),
      fc.array(range, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      async ({ length, chunk, saysLength, ranges, maxBytes }, wanted, together) => {
        const bench = new LargeBench({ length, chunk, saysLength, ranges }, { maxBytes })
        const one = async ([first, more]: [number, number]): Promise<void> => {
          const found = await bench.get(`bytes=${first}-${first + more}`)
          const last = Math.min(first + more, length - 1)
          // Who waited with one who asked for what lies behind the end asks for himself.
          if (found.kind === 'passing' && found.answer.status === 206)
            return void expect(await bodyOf(found)).toEqual(bytes(1, first, last))
          if (found.kind === 'passing') expect(first).toBeGreaterThanOrEqual(length)
          else if (first < length) expect(await bodyOf(found, first, last)).toEqual(bytes(1, first, last))
        }
        if (together) await Promise.all(wanted.map(one))
        else for (const each of wanted) await one(each)
        expect(await bodyOf(await bench.get())).toEqual(bytes(1, 0, length - 1))
      },
    ),
    { numRuns: 150 },
  )
})

test('a crowd that wants parts of a large object far from each other, and takes little of them, has no more brought for it than there is memory for', async () => {
  const LENGTH = SLICE * 4_000
  // Room for transfers: 500 bytes, 31 slices.
  const bench = new LargeBench({ length: LENGTH, chunk: SLICE }, { maxBytes: 1_000 })
  const { fill } = { fill: await bench.filling('bytes=0-15') }
  const readers = Array.from({ length: 100 }, (_, each) => {
    const first = each * 40 * SLICE + 3
    return {
      first,
      last: first + 20 * SLICE,
      bytes: fill.read(first, first + 20 * SLICE)[Symbol.asyncIterator](),
    }
  })
  const begun = await Promise.all(readers.map(({ bytes }) => bytes.next()))
  await settle()
  const taken = bench.sent.reduce((sum, sent) => sum + sent.taken, 0)
  // Two slices for each of sixteen transfers, what the first ones ran ahead, and a piece on its way for everybody.
  expect(taken).toBeLessThan(SLICE * (2 * 16 + 4 * 31 + 2 * 100))
  for (const [each, { first, last, bytes: rest }] of readers.entries()) {
    const read = [Buffer.from(begun[each]?.value ?? [])]
    for (let next = await rest.next(); next.done !== true; next = await rest.next())
      read.push(Buffer.from(next.value))
    expect(Buffer.concat(read).equals(bytes(1, first, last))).toBe(true)
  }
  expect(bench.cache.fills).toBe(0)
})
