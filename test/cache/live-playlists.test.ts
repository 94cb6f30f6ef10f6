import { describe, expect, test } from 'vitest'
import { SluiceError, type CanonicalPath } from '../../src/core/index.ts'
import { LiveBench, said, textOf } from './live-bench.ts'
import { read, ScriptedBody, settle } from './scripted-upstream.ts'

const DELTA = (at: string): string =>
  textOf({ at }).replace('#EXTINF', '#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF')
const CLOSED = (at: string): string => `#EXT-X-PART:${at}\n#EXTINF:2,\n100.m4s\n`

describe('a question about what is to come', () => {
  test('is asked upstream once, however many wait and however they spell it', async () => {
    const bench = new LiveBench()
    const viewers = [
      ...Array.from({ length: 98 }, () => bench.get('_HLS_msn=100&_HLS_part=4')),
      bench.get('_HLS_part=4&_HLS_msn=100'),
      bench.get('_HLS_msn=100&_HLS_other=1&_HLS_part=4'),
    ]
    await settle()
    bench.tell({ at: '100.4' })
    const answers = await Promise.all(viewers.map(said))
    expect(answers).toEqual(['fetched 100.4', ...Array.from({ length: 99 }, () => 'joined 100.4')])
    expect(bench.queries).toEqual(['_HLS_msn=100&_HLS_part=4'])
  })

  test('goes upstream with what else is keyed, which names another playlist', async () => {
    const bench = new LiveBench()
    await bench.learn('a=1!_HLS_msn=7', { at: '8.0' })
    void bench.get('a=2!_HLS_msn=7')
    expect(bench.queries).toEqual(['a=1&_HLS_msn=7', 'a=2&_HLS_msn=7'])
    expect(await said(bench.get('a=1!_HLS_msn=7'))).toBe('known 8.0')
  })

  test('waits with those who are fetching the whole, where a delta would do', async () => {
    const bench = new LiveBench()
    const whole = bench.get('_HLS_msn=100&_HLS_part=4')
    const delta = bench.get('_HLS_msn=100&_HLS_part=4&_HLS_skip=YES')
    await settle()
    bench.tell({ at: '100.4' })
    expect(await Promise.all([said(whole), said(delta)])).toEqual(['fetched 100.4', 'joined 100.4'])
    expect(bench.asked.length).toBe(1)
  })

  test.each([
    ['400', 400, 'upstream-bad-request'],
    ['503', 503, 'upstream-trouble'],
  ])(
    'that is answered %s is answered to those who wait, and asked anew afterwards',
    async (_, status, code) => {
      const bench = new LiveBench()
      await bench.learn('', { at: '100.3' })
      const waiting = Array.from({ length: 3 }, () => bench.get('_HLS_msn=101'))
      await settle()
      bench.tell({ status, headers: ['Cache-Control', 'no-store'], text: 'no' })
      const [first, ...others] = await Promise.allSettled(waiting)
      expect(first).toMatchObject({ value: { kind: 'passing', answer: { status } } })
      expect(others).toMatchObject([{ reason: { code } }, { reason: { code } }])
      expect(bench.cache.objects).toBe(0)
      const again = [bench.get('_HLS_msn=101'), bench.get('_HLS_msn=101')]
      bench.tell({ at: '102.0' })
      expect(await Promise.all(again.map(said))).toEqual(['fetched 102.0', 'joined 102.0'])
      expect(bench.asked.length).toBe(3)
    },
  )

  test('fails with its fill, and is asked anew', async () => {
    const bench = new LiveBench()
    const broken = bench.get('_HLS_msn=100')
    bench.tell({ at: '101.0', body: new ScriptedBody().push('#EXT', new SluiceError('gone', 'gone')) })
    await expect(broken).rejects.toMatchObject({ code: 'gone' })
    expect(await said(bench.learn('_HLS_msn=100', { at: '101.0' }))).toBe('fetched 101.0')
  })
})

describe('what the newest version has', () => {
  test.each([
    ['a segment that is over', '_HLS_msn=99', 'known 100.4'],
    ['a part that is there', '_HLS_msn=100&_HLS_part=4', 'known 100.4'],
    ['a part beyond the end of a segment that is over', '_HLS_msn=99&_HLS_part=70', 'known 100.4'],
    ['a delta of which only the whole is known', '_HLS_msn=100&_HLS_part=1&_HLS_skip=v2', 'known 100.4'],
    ['a segment that is too far', '_HLS_msn=103', 'too-far'],
    ['a part that is too far', '_HLS_msn=100&_HLS_part=20', 'too-far'],
    ['a part that is too far, of the next segment', '_HLS_msn=101&_HLS_part=20', 'too-far'],
    ['a part of no segment', '_HLS_part=1', 'unreadable'],
    ['a number with leading zeros', '_HLS_msn=0099', 'unreadable'],
    ['a number twice', '_HLS_msn=99&_HLS_msn=99', 'unreadable'],
    ['a number that is none', '_HLS_msn=1e9', 'unreadable'],
  ])('decides about %s without asking', async (_, directives, answer) => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100&_HLS_part=4', { at: '100.4', lifetimeMs: 12_000 })
    expect(await said(bench.get(directives))).toBe(answer)
    expect(bench.asked.length).toBe(1)
  })

  test.each([
    ['the next part', '_HLS_msn=100&_HLS_part=5'],
    ['the rest of this segment', '_HLS_msn=100'],
    ['the first part of the next segment', '_HLS_msn=101&_HLS_part=0'],
    ['the next segment but one', '_HLS_msn=102'],
    ['a part as far as is allowed', '_HLS_msn=100&_HLS_part=19'],
  ])('leaves %s to those who know', async (_, directives) => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    void bench.get(directives)
    expect(bench.queries).toEqual(['', directives])
  })

  test('decides nothing of a playlist of which nothing is known', () => {
    const bench = new LiveBench()
    void bench.get('_HLS_part=1')
    void bench.get('_HLS_msn=99999')
    expect(bench.queries).toEqual(['_HLS_part=1', '_HLS_msn=99999'])
  })

  test('answers for its last segment once that is whole', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.9', text: CLOSED('100.9') })
    expect(await said(bench.get('_HLS_msn=100'))).toBe('known 100.9')
    void bench.get('_HLS_msn=100&_HLS_part=10')
    expect(bench.asked.length).toBe(2)
  })

  test('answers everything once the playlist has ended', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.9', text: `${CLOSED('100.9')}#EXT-X-ENDLIST\n`, lifetimeMs: 60_000 })
    for (const directives of ['_HLS_msn=100&_HLS_part=10', '_HLS_msn=101', '_HLS_msn=500', '_HLS_skip=YES'])
      expect(await said(bench.get(directives))).toBe('known 100.9')
    bench.pass(11_000)
    expect(await said(bench.get())).toBe('known 100.9')
  })

  test('is asked for first, and once, when it is too old to call anything too far', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    bench.pass(8_000)
    const viewers = ['_HLS_msn=104', '_HLS_msn=104&_HLS_part=3', '_HLS_msn=200'].map(text => bench.get(text))
    await settle()
    expect(bench.queries).toEqual(['', ''])
    bench.tell({ at: '104.2' })
    await settle()
    expect(bench.queries).toEqual(['', '', '_HLS_msn=104', '_HLS_msn=104&_HLS_part=3'])
    bench.tell({ at: '104.3' })
    expect(await said(viewers[1] ?? bench.get())).toBe('fetched 104.3')
    expect(await said(viewers[2] ?? bench.get())).toBe('too-far')
  })

  test('is out of use after six target durations', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    bench.pass(11_999)
    expect(await said(bench.get('_HLS_msn=99'))).toBe('known 100.4')
    bench.pass(1)
    void bench.get('_HLS_msn=99')
    expect(bench.queries).toEqual(['', '_HLS_msn=99'])
  })
})

describe('a delta', () => {
  test('is for those who ask for one, and the newer of it and the whole is', async () => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100&_HLS_part=4', { at: '100.4' })
    await bench.learn('_HLS_msn=100&_HLS_part=5&_HLS_skip=YES', { at: '100.5', text: DELTA('100.5') })
    expect(await said(bench.get('_HLS_msn=100&_HLS_part=2&_HLS_skip=YES'))).toBe('known 100.5')
    expect(await said(bench.get('_HLS_msn=100&_HLS_part=2'))).toBe('known 100.4')
    expect(await said(bench.get('_HLS_skip=YES'))).toBe('known 100.5')
    const whole = bench.get('_HLS_msn=100&_HLS_part=5')
    bench.tell({ at: '100.6' })
    expect(await said(whole)).toBe('fetched 100.6')
    expect(await said(bench.get('_HLS_msn=100&_HLS_part=5&_HLS_skip=YES'))).toBe('known 100.6')
  })

  test('never stands for the whole, however new it is', async () => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100&_HLS_part=5&_HLS_skip=YES', { at: '100.5', text: DELTA('100.5') })
    const plain = bench.get()
    const directed = bench.get('_HLS_msn=100&_HLS_part=5')
    expect(bench.queries.slice(1)).toEqual(['', '_HLS_msn=100&_HLS_part=5'])
    bench.tell({ at: '100.5', text: 'whole' }, 1)
    bench.tell({ at: '100.5', text: 'whole' }, 2)
    expect(await Promise.all([said(plain), said(directed)])).toEqual(['fetched whole', 'fetched whole'])
  })

  test('that is newer than the whole makes a plain request ask anew', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    await bench.learn('_HLS_msn=100&_HLS_part=5&_HLS_skip=YES', { at: '100.5', text: DELTA('100.5') })
    expect(await said(bench.learn('', { at: '100.5' }))).toBe('fetched 100.5')
    expect(bench.asked.length).toBe(3)
  })

  test('that came as a whole serves all', async () => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100&_HLS_part=5&_HLS_skip=YES', { at: '100.5' })
    expect(await said(bench.get())).toBe('known 100.5')
  })
})

describe('a plain request', () => {
  test('is answered from the newest version for one part target, whoever asked for that', async () => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100&_HLS_part=4', { at: '100.4', lifetimeMs: 12_000 })
    bench.pass(199)
    expect(await said(bench.get())).toBe('known 100.4')
    bench.pass(1)
    expect(await said(bench.learn('', { at: '100.5' }))).toBe('fetched 100.5')
    expect(bench.queries).toEqual(['_HLS_msn=100&_HLS_part=4', ''])
  })

  test('is answered for half a target duration where there are no parts', async () => {
    const bench = new LiveBench()
    await bench.learn('_HLS_msn=100', { at: '100.-1', partTarget: 0 })
    bench.pass(999)
    expect(await said(bench.get())).toMatch(/^known/)
    bench.pass(1)
    void bench.get()
    expect(bench.asked.length).toBe(2)
  })

  test('counts the time since the version was made', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4', ageMs: 150 })
    bench.pass(49)
    expect(await said(bench.get())).toBe('known 100.4')
    bench.pass(1)
    void bench.get()
    expect(bench.asked.length).toBe(2)
  })

  test('is not asked by each viewer alone when the version is past its time as it comes', async () => {
    const bench = new LiveBench()
    const viewers = Array.from({ length: 20 }, () => bench.get())
    await settle()
    bench.tell({ at: '100.4', ageMs: 20_000 })
    expect(await Promise.all(viewers.map(said))).toEqual([
      'fetched 100.4',
      ...Array.from({ length: 19 }, () => 'joined 100.4'),
    ])
    expect(await said(bench.get())).toBe('known 100.4')
    bench.pass(100)
    void bench.get()
    expect(bench.asked.length).toBe(2)
  })

  test('never gets an older version than one that was answered, when an older fill ends later', async () => {
    const bench = new LiveBench()
    const slow = new ScriptedBody().push('#EXTM3U\n')
    const late = bench.get()
    bench.tell({ at: '100.4', body: slow })
    await settle()
    expect(await said(bench.learn('_HLS_msn=100&_HLS_part=6', { at: '100.6' }))).toBe('fetched 100.6')
    slow.push(textOf({ at: '100.4' }), 'end')
    expect(await said(late)).toBe('fetched 100.6')
    bench.pass(250)
    expect(await said(bench.learn('', { at: '100.5' }))).toBe('fetched 100.6')
  })

  test('gets an end that came without a new part, and never its beginning again', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.9', text: CLOSED('100.9') })
    bench.pass(200)
    const end = `${CLOSED('100.9')}#EXT-X-ENDLIST\n`
    await bench.learn('', { at: '100.9', text: end })
    bench.pass(200)
    const found = await bench.learn('', { at: '100.9', text: CLOSED('100.9') })
    expect('object' in found && found.object.body.toString()).toBe(end)
  })

  test('is not asked for ever for numbers of a clock that was set back', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '900.0' })
    bench.pass(12_000)
    expect(await said(bench.learn('', { at: '100.4' }))).toBe('fetched 100.4')
  })
})

describe('what is no live playlist', () => {
  test('is read as it arrives, is in the cache, and its directives count', async () => {
    const bench = new LiveBench()
    const headers = ['Cache-Control', 'max-age=60']
    const found = bench.get('_HLS_skip=YES')
    const body = new ScriptedBody().push('first')
    bench.tell({ headers, body })
    expect((await found).kind).toBe('filling')
    body.push('end')
    await settle()
    expect((await bench.get('_HLS_skip=YES')).kind).toBe('hit')
    void bench.get()
    expect(bench.queries).toEqual(['_HLS_skip=YES', ''])
  })

  test('may become one, and stop to be one', async () => {
    const bench = new LiveBench()
    const missing = { status: 404, headers: ['Cache-Control', 'max-age=1'], text: 'nothing' }
    const first = await bench.learn('', missing)
    expect('fill' in first && [first.fill.status, await read(first)]).toEqual([404, 'nothing'])
    await settle()
    bench.pass(1_000)
    expect(await said(bench.learn('', { at: '100.4' }))).toBe('fetched 100.4')
    bench.pass(200)
    const last = await bench.learn('', missing)
    expect('fill' in last && last.fill.status).toBe(404)
  })
})

describe('an invalidation', () => {
  test('undoes what is known', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    bench.sequence = bench.newest = 1
    expect(await said(bench.learn('', { at: '100.2' }))).toBe('fetched 100.2')
    expect(await said(bench.get())).toBe('known 100.2')
  })

  test('of something else lets nobody see an older version than before', async () => {
    const bench = new LiveBench()
    await bench.learn('', { at: '100.4' })
    bench.sequence = 1
    bench.pass(200)
    // As a regional cache says it that has not asked since, in place of one that was killed.
    expect(await said(bench.learn('', { at: '100.2' }))).toBe('fetched 100.4')
  })
})

describe('the memory', () => {
  test('is bounded: the playlist that was asked for longest ago goes', async () => {
    const bench = new LiveBench(10_000)
    const at = async (path: string): Promise<void> => {
      const found = bench.get('', path as CanonicalPath) // a test's own
      bench.tell({ at: '100.4' })
      await found
    }
    for (const path of ['/1.m3u8', '/2.m3u8', '/3.m3u8', '/4.m3u8', '/5.m3u8']) await at(path)
    expect(bench.playlists.count).toBe(3)
    expect(bench.cache.objects).toBe(0)
  })
})
