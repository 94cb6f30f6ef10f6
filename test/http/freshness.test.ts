import { describe, expect, test } from 'vitest'
import { instant } from '../../src/core/index.ts'
import { formatHttpDate, judgeStorability, type Bounds, type Storability } from '../../src/http/index.ts'

const NOW = instant(Date.UTC(2026, 10, 22, 12, 0, 0))
const DEFAULTS: Bounds = { minimum: 0, default: 86_400, maximum: 31_536_000 }

function judge(headers: string[], bounds: Bounds = DEFAULTS, status = 200): Storability {
  return judgeStorability({ status, headers, requestedAt: NOW, respondedAt: NOW }, bounds)
}

/** Seconds for which the answer is fresh, or why it is not stored. */
function lifetime(headers: string[], bounds?: Bounds, status?: number): number | string {
  const verdict = judge(headers, bounds, status)
  return verdict.kind === 'store' ? (verdict.freshUntil - NOW) / 1000 : verdict.reason
}

const date = (seconds: number): string => formatHttpDate(instant(NOW + seconds * 1000))

describe('a lifetime', () => {
  test.each<[string, string[], number | string]>([
    ['is 24 hours when the origin says nothing', [], 86_400],
    ['is max-age', ['Cache-Control', 'max-age=60'], 60],
    ['is s-maxage before max-age', ['Cache-Control', 'max-age=60, s-maxage=5'], 5],
    ['is max-age before Expires', ['Cache-Control', 'max-age=7', 'Expires', date(900)], 7],
    ['is Expires less Date', ['Date', date(-100), 'Expires', date(200)], 200],
    ['is at most a year by default', ['Cache-Control', 'max-age=99999999'], 31_536_000],
    ['is shortened by Age', ['Cache-Control', 'max-age=60', 'Age', '20'], 40],
    ['is shortened by an old Date', ['Cache-Control', 'max-age=60', 'Date', date(-15)], 45],
    ['takes a quoted number', ['Cache-Control', 'max-age="33"'], 33],
    ['takes directive names in any case', ['cache-control', 'MAX-AGE=9'], 9],
    ['ends at once when max-age is no number', ['Cache-Control', 'max-age=abc', 'ETag', '"a"'], 0],
    ['ends at once when Expires is no date', ['Expires', '0', 'ETag', '"a"'], 0],
    [
      'is nothing that can be kept without a validator when it is zero',
      ['Cache-Control', 'max-age=0'],
      'no-lifetime',
    ],
    ['is zero with no-cache and a validator', ['Cache-Control', 'no-cache', 'ETag', '"a"'], 0],
    ['is none with no-cache and no validator', ['Cache-Control', 'no-cache'], 'no-cache'],
    ['is none with no-store', ['Cache-Control', 'no-store, max-age=60'], 'no-store'],
    ['is none with private', ['Cache-Control', 'private, max-age=60'], 'private'],
    [
      'is none with Set-Cookie and no word of it',
      ['Set-Cookie', 'a=b', 'Cache-Control', 'public'],
      'set-cookie',
    ],
    ['is told with Set-Cookie', ['Cache-Control', 'max-age=60', 'Set-Cookie', 'a=b'], 60],
    ['of nothing is none with Set-Cookie', ['Cache-Control', 'max-age=0', 'Set-Cookie', 'a=b'], 'set-cookie'],
    ['that is over is none with Set-Cookie', ['Expires', date(-9), 'Set-Cookie', 'a=b'], 'set-cookie'],
    [
      'is none with Set-Cookie and no-cache',
      ['Cache-Control', 'no-cache, max-age=60', 'ETag', '"a"', 'Set-Cookie', 'a=b'],
      'set-cookie',
    ],
    ['is max-age where private names fields', ['Cache-Control', 'private="a", max-age=60'], 60],
    ['is max-age where no-cache names fields', ['Cache-Control', 'no-cache="a", max-age=60'], 60],
    ['is the first of two max-age', ['Cache-Control', 'max-age=9, max-age=60'], 9],
    ['is over with a negative max-age', ['Cache-Control', 'max-age=-60', 'ETag', '"a"'], 0],
    ['is 0 with two Expires', ['Expires', date(60), 'Expires', date(60), 'ETag', '"a"'], 0],
    ['takes the first member of Age', ['Cache-Control', 'max-age=60', 'Age', '20, 0'], 40],
    ['takes the first line of Age', ['Cache-Control', 'max-age=60', 'Age', '20', 'Age', '0'], 40],
    ['ignores a negative Age', ['Cache-Control', 'max-age=60', 'Age', '-20'], 60],
    ['ignores an Age that is no number', ['Cache-Control', 'max-age=60', 'Age', '20;x=1'], 60],
    ['is over with a huge Age', ['Cache-Control', 'max-age=60', 'Age', '9'.repeat(400)], 'no-lifetime'],
    ['takes a Date that is ahead for none', ['Cache-Control', 'max-age=60', 'Date', date(900)], 60],
    ['is that of CDN-Cache-Control', ['Cache-Control', 'no-store', 'CDN-Cache-Control', 'max-age=5'], 5],
    [
      'is none with a targeted no-store',
      ['Cache-Control', 'max-age=9', 'CDN-Cache-Control', 'no-store'],
      'no-store',
    ],
    ['is not Expires beside a targeted field', ['Expires', date(60), 'CDN-Cache-Control', 'x'], 86_400],
    [
      'is told by a status that must be understood',
      ['Cache-Control', 'must-understand, no-store, max-age=5'],
      5,
    ],
    [
      'is kept for a moment while it may be refreshed',
      ['Cache-Control', 'max-age=0, stale-while-revalidate=5'],
      0,
    ],
    ['is none where the answer varies', ['Cache-Control', 'max-age=60', 'Vary', 'Cookie'], 'vary'],
  ])('%s', (_, headers, expected) => {
    expect(lifetime(headers)).toBe(expected)
  })

  test('begins when the request was sent, for an age that the origin counted before it answered', () => {
    const headers = ['Cache-Control', 'max-age=60', 'Age', '20']
    const verdict = judgeStorability(
      { status: 200, headers, requestedAt: instant(NOW - 5_000), respondedAt: NOW },
      DEFAULTS,
    )
    expect(verdict).toMatchObject({ bornAt: NOW - 25_000, freshUntil: NOW + 35_000 })
  })

  test('of an error is not lifted to the minimum', () => {
    const bounds = { minimum: 60, default: 60, maximum: 100 }
    expect(lifetime(['Cache-Control', 'max-age=1'], bounds, 404)).toBe(1)
    expect(lifetime(['Cache-Control', 'max-age=1000'], bounds, 404)).toBe(100)
  })

  test('is held between minimum and maximum', () => {
    const bounds = { minimum: 10, default: 50, maximum: 100 }
    expect([lifetime(['Cache-Control', 'max-age=1'], bounds), lifetime([], bounds)]).toEqual([10, 50])
    expect(lifetime(['Cache-Control', 'max-age=1000'], bounds)).toBe(100)
  })

  test('of a minimum above zero outranks no-store, private and no-cache, as CloudFront documents', () => {
    const bounds = { minimum: 5, default: 5, maximum: 100 }
    for (const control of ['no-store', 'private', 'no-cache']) {
      expect(lifetime(['Cache-Control', control], bounds)).toBe(5)
    }
  })

  test('of nothing is lifted to the minimum, also with Set-Cookie', () => {
    const headers = ['Cache-Control', 'max-age=0', 'Set-Cookie', 'a=b']
    expect(lifetime(headers, { minimum: 5, default: 5, maximum: 100 })).toBe(5)
  })

  test('may be a hundred years, to the second', () => {
    const century = 3_153_600_000
    const bounds = { minimum: 0, default: 0, maximum: century }
    expect(lifetime(['Cache-Control', `max-age=${century}`], bounds)).toBe(century)
  })

  test.each([
    [200, 86_400],
    [301, 86_400],
    [404, 10],
    [405, 10],
    [410, 10],
    [503, 10],
    [416, 'status'],
    [599, 'status'],
    [302, 'status'],
    [206, 'status'],
    [403, 'status'],
  ])('of a %s that says nothing is %s', (status, expected) => {
    expect(lifetime([], DEFAULTS, status)).toBe(expected)
  })

  test('of an error is the one that the origin names', () => {
    expect(lifetime(['Cache-Control', 'max-age=1'], DEFAULTS, 404)).toBe(1)
    expect(lifetime(['Cache-Control', 'max-age=30'], DEFAULTS, 403)).toBe(30)
  })
})

describe('errors', () => {
  const errors = new Map([
    [403, 30],
    [404, 0],
    [503, 60],
  ])
  const bounds = { ...DEFAULTS, errors }

  test('are kept as long as an operator says at least', () => {
    expect(lifetime([], bounds, 403)).toBe(30)
    expect(lifetime(['Cache-Control', 'max-age=1'], bounds, 503)).toBe(60)
    expect(lifetime(['Cache-Control', 'max-age=90'], bounds, 503)).toBe(90)
    expect(lifetime(['Cache-Control', 'no-store'], bounds, 503)).toBe('no-store')
    expect(lifetime([], bounds, 404)).toBe('no-lifetime')
  })

  test('that are trouble are not kept where nothing is that does not say so', () => {
    const strict = { minimum: 0, default: 0, maximum: 31_536_000 }
    for (const status of [500, 502, 503, 504]) {
      expect(lifetime(['Last-Modified', date(-900)], strict, status)).toBe('no-lifetime')
      expect(lifetime([], { ...strict, errors }, 503)).toBe(60)
    }
    expect(lifetime([], strict, 404)).toBe(10)
  })

  test('with a status that is not understood are not stored where it must be', () => {
    expect(lifetime(['Cache-Control', 'max-age=60, must-understand'], DEFAULTS, 599)).toBe('status')
    expect(lifetime(['Cache-Control', 'max-age=60'], DEFAULTS, 599)).toBe(60)
    expect(lifetime(['Cache-Control', 'public'], DEFAULTS, 599)).toBe(10)
  })

  test('never stand in for later trouble', () => {
    expect(judge(['Cache-Control', 'max-age=60, stale-if-error=60'], DEFAULTS, 503)).toMatchObject({
      ...{ refreshUntil: NOW + 60_000, staleOnError: false, staleUntil: undefined },
    })
  })
})

describe('the windows of RFC 5861', () => {
  test.each<[string, number, boolean, number | undefined]>([
    ['max-age=60, stale-while-revalidate=30', 90, true, undefined],
    ['max-age=60, stale-if-error=30', 60, true, 90],
    ['s-maxage=60, stale-while-revalidate=30, stale-if-error=20', 90, true, 80],
    ['max-age=60, stale-while-revalidate=30, must-revalidate', 60, false, undefined],
    ['max-age=60, stale-if-error=30, proxy-revalidate', 60, false, undefined],
    ['max-age=60, stale-while-revalidate=x, stale-if-error=x', 60, false, 60],
    ['max-age=60, stale-while-revalidate=99999999', 31_536_060, true, undefined],
  ])('%s', (control, refresh, staleOnError, staleUntil) => {
    expect(judge(['Cache-Control', control])).toMatchObject({
      ...{ kind: 'store', freshUntil: NOW + 60_000, refreshUntil: NOW + refresh * 1000, staleOnError },
      staleUntil: staleUntil === undefined ? undefined : NOW + staleUntil * 1000,
    })
  })
})

describe('serving stale when the origin fails', () => {
  test.each([
    ['max-age=60', true],
    ['max-age=60, must-revalidate', false],
    ['max-age=60, proxy-revalidate', false],
    ['s-maxage=60', false],
    ['max-age=60, stale-if-error=0', false],
    ['max-age=60, stale-if-error=600', true],
  ])('%s: %s', (control, allowed) => {
    expect(judge(['Cache-Control', control])).toMatchObject({ kind: 'store', staleOnError: allowed })
  })
})

describe('a lifetime that a node tells', () => {
  const asked = instant(NOW - 1_500)

  function judged(headers: string[], bounds: Bounds = DEFAULTS, status = 200): unknown {
    const verdict = judgeStorability({ status, headers, requestedAt: asked, respondedAt: NOW }, bounds)
    return verdict.kind === 'pass' ? verdict.reason : [NOW - verdict.bornAt, verdict.freshUntil - NOW]
  }

  test.each<[string, string[], unknown]>([
    ['begins when the answer was made', ['Sluice-Age-Ms', '150'], [150, 50]],
    ['begins with the answer when it has no age: a wait is none', [], [0, 200]],
    ['takes no age that is no number', ['Sluice-Age-Ms', '-5'], [0, 200]],
    ['takes no age that stands there twice', ['Sluice-Age-Ms', '5', 'Sluice-Age-Ms', '5'], [0, 200]],
    ['may be over on arrival', ['Sluice-Age-Ms', '900'], [900, -700]],
    ['outranks no-store', ['Cache-Control', 'no-store'], [0, 200]],
    ['outranks private and no-cache', ['Cache-Control', 'private, no-cache'], [0, 200]],
    ['outranks max-age and Age', ['Cache-Control', 'max-age=60', 'Age', '9', 'Date', date(-9)], [0, 200]],
    ['stores no answer that varies', ['Vary', 'Cookie'], 'vary'],
    ['stores no answer that sets a cookie', ['Set-Cookie', 'a=b'], 'set-cookie'],
  ])('%s', (_, headers, expected) => {
    expect(judged(['Sluice-Cache-Control', 'max-age-ms=200', ...headers])).toEqual(expected)
  })

  test('outranks minimum and maximum', () => {
    for (const bounds of [
      { minimum: 60, default: 60, maximum: 100 },
      { minimum: 0, default: 0, maximum: 0 },
    ]) {
      expect(judged(['Sluice-Cache-Control', 'max-age-ms=200'], bounds)).toEqual([0, 200])
      expect(judged(['Sluice-Cache-Control', 'no-store', 'Cache-Control', 'max-age=60'], bounds)).toBe(
        'no-store',
      )
    }
  })

  test('outranks the lifetimes of errors, and holds for every status that can be stored', () => {
    for (const status of [200, 302, 400, 403, 404, 503]) {
      expect(judged(['Sluice-Cache-Control', 'max-age-ms=1000'], DEFAULTS, status)).toEqual([0, 1000])
    }
    expect(judged(['Sluice-Cache-Control', 'no-store'], DEFAULTS, 503)).toBe('no-store')
    expect(judged(['Sluice-Cache-Control', 'max-age-ms=1000'], DEFAULTS, 206)).toBe('status')
  })

  test('is never prolonged when the origin fails', () => {
    expect(judge(['Sluice-Cache-Control', 'max-age-ms=200'])).toMatchObject({ staleOnError: false })
  })

  test('that says both is no-store', () => {
    expect(judged(['Sluice-Cache-Control', 'max-age-ms=200', 'Sluice-Cache-Control', 'no-store'])).toBe(
      'no-store',
    )
  })

  test.each([
    '',
    'max-age-ms',
    'max-age-ms=',
    'max-age-ms=-1',
    'max-age-ms=1.5',
    'max-age-ms=1e3',
    'max-age=1',
  ])('is not read from %j', value => {
    expect(judged(['Sluice-Cache-Control', value, 'Cache-Control', 'max-age=60'])).toEqual([1_500, 58_500])
  })
})

describe('an answer to a request that carried keyed fields of a viewer', () => {
  test.each<[string, string[], string[] | undefined, number | string]>([
    ['varies by what is not known', ['Vary', 'Accept-Encoding'], undefined, 'vary'],
    ['cannot vary by what nobody sent', ['Vary', 'Accept-Encoding, Cookie'], [], 86_400],
    ['varies by what is keyed', ['Vary', 'X-Room'], ['x-room'], 86_400],
    ['varies by more than any request holds', ['Vary', '*'], ['x-room'], 'vary'],
    ['is not shared with Authorization', ['Cache-Control', 'max-age=60'], ['authorization'], 'authorization'],
    ['is shared when public', ['Cache-Control', 'public, max-age=60'], ['authorization'], 60],
    ['is shared with s-maxage', ['Cache-Control', 's-maxage=60'], ['authorization'], 60],
    [
      'is shared with must-revalidate',
      ['Cache-Control', 'must-revalidate, max-age=60'],
      ['authorization'],
      60,
    ],
    ['is private all the same', ['Cache-Control', 'private, must-revalidate'], ['authorization'], 'private'],
    ['is shared without Authorization', ['Cache-Control', 'max-age=60'], ['x-room'], 60],
  ])('%s', (_, headers, forwarded, expected) => {
    const facts = {
      status: 200,
      headers,
      requestedAt: NOW,
      respondedAt: NOW,
      ...(forwarded && { forwarded }),
    }
    const verdict = judgeStorability(facts, DEFAULTS)
    expect(verdict.kind === 'store' ? (verdict.freshUntil - NOW) / 1000 : verdict.reason).toBe(expected)
  })

  test.each<[string, string[], number | string]>([
    ['is nobody else\u2019s when it says nothing', [], 'cookie'],
    [
      'is nobody else\u2019s when it lives for nothing',
      ['Cache-Control', 'max-age=0', 'ETag', '"a"'],
      'cookie',
    ],
    ['is nobody else\u2019s with no-cache', ['Cache-Control', 'no-cache', 'ETag', '"a"'], 'cookie'],
    ['is nobody else\u2019s when it is public alone', ['Cache-Control', 'public'], 'cookie'],
    ['is shared for its lifetime', ['Cache-Control', 'max-age=60'], 60],
  ])('and that carried Cookie: %s', (_, headers, expected) => {
    const facts = { status: 200, headers, requestedAt: NOW, respondedAt: NOW, forwarded: ['cookie'] }
    const verdict = judgeStorability(facts, DEFAULTS)
    expect(verdict.kind === 'store' ? (verdict.freshUntil - NOW) / 1000 : verdict.reason).toBe(expected)
  })

  test('is shared for a minimum above zero, as an operator says', () => {
    const facts = {
      status: 200,
      headers: [],
      requestedAt: NOW,
      respondedAt: NOW,
      forwarded: ['authorization'],
    }
    expect(judgeStorability(facts, { ...DEFAULTS, minimum: 5 }).kind).toBe('store')
  })
})

describe('while it is on its way', () => {
  test.each<[string, string[], number | undefined]>([
    ['an answer is given to others for as long as it is fresh', ['Cache-Control', 'max-age=60'], 60],
    ['or may be served stale', ['Cache-Control', 'max-age=60, stale-while-revalidate=5'], 65],
    ['and for a moment when it was long in coming', ['Cache-Control', 'max-age=60', 'Age', '90'], 1],
    ['to nobody when it lives for nothing', ['Cache-Control', 'max-age=0'], 0],
    ['to nobody with no-cache', ['Cache-Control', 'no-cache, max-age=60'], 0],
    [
      'as long as it takes when a node says how long it lives',
      ['Sluice-Cache-Control', 'max-age-ms=0'],
      undefined,
    ],
  ])('%s', (_, headers, seconds) => {
    const verdict = judge([...headers, 'ETag', '"a"'])
    const until = verdict.kind === 'store' ? verdict.joinUntil : NOW
    expect(until === undefined ? undefined : (until - NOW) / 1000).toBe(seconds)
  })
})
