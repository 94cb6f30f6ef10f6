import { describe, expect, test } from 'vitest'
import type { DistributionId } from '../../src/core/index.ts'
import {
  membersOf,
  settleDistribution,
  type Distribution,
  type DistributionInput,
} from '../../src/distribution/index.ts'

const origins = [{ url: 'https://a.example' }, { url: 'https://b.example' }, { id: 'films', bucket: 'films' }]

function settle(input: DistributionInput): ReturnType<typeof settleDistribution> {
  return settleDistribution(input, {
    id: 'ENEW0000000001' as DistributionId, // a test's own
    domain: 'enew0000000001.cdn.localhost',
    before: undefined,
    others: [],
    ...{ keyGroups: [], issuers: [], originAccess: [], policies: [] },
  })
}

function good(input: DistributionInput): Distribution {
  const settled = settle({ origins, ...input })
  if (settled.kind !== 'good') throw new Error(JSON.stringify(settled))
  return settled.distribution
}

function problems(input: DistributionInput): string[] {
  const settled = settle({ origins, ...input })
  return settled.kind === 'bad' ? settled.problems : []
}

describe('an origin group', () => {
  test('is of the first two origins and of trouble, unless it says more', () => {
    const made = good({
      originGroups: [
        { id: 'both' },
        { id: 'other', members: ['films', 'b.example'], statuses: [504, 404, 404] },
      ],
      behaviours: [
        { pattern: '/o/*', originId: 'other' },
        { pattern: '*', originId: 'both' },
      ],
    })
    expect(made.originGroups).toEqual([
      { id: 'both', members: ['a.example', 'b.example'], statuses: [500, 502, 503, 504] },
      { id: 'other', members: ['films', 'b.example'], statuses: [404, 504] },
    ])
    const ids = ['both', 'other', 'films', 'none'].map(id => membersOf(made, id).map(each => each.id))
    expect(ids).toEqual([['a.example', 'b.example'], ['films', 'b.example'], ['films'], []])
    // A behaviour is as before the first of them: any site works, a bucket is read.
    expect(made.behaviours.map(({ methods, forward }) => [methods, forward])).toEqual([
      ['read', 'none'],
      ['all', 'all'],
    ])
    expect(good(made)).toEqual(made)
  })

  test('is left out where there is none', () => {
    expect(good({})).not.toHaveProperty('originGroups')
  })

  test.each<[string, DistributionInput, RegExp]>([
    ['called like an origin', { originGroups: [{ id: 'films' }] }, /"films" is called like an origin/],
    ['there twice', { originGroups: [{ id: 'g' }, { id: 'g' }] }, /"g" is there twice/],
    ['of one', { originGroups: [{ id: 'g', members: ['films'] }] }, /"g" needs two different "members"/],
    ['of one twice', { originGroups: [{ id: 'g', members: ['films', 'films'] }] }, /two different "members"/],
    ['of a stranger', { originGroups: [{ id: 'g', members: ['films', 'x'] }] }, /names the origin "x"/],
    [
      'of groups',
      { originGroups: [{ id: 'g' }, { id: 'h', members: ['g', 'films'] }] },
      /names the origin "g"/,
    ],
    [
      'for other statuses',
      { originGroups: [{ id: 'g', statuses: [401, 500, 501] }] },
      /cannot fail over on 401, 501/,
    ],
    [
      'of two of which one is not there',
      { origins: [{ url: 'https://a.example' }], originGroups: [{ id: 'g' }] },
      /two different "members"/,
    ],
    [
      'of a bucket that would be written to',
      {
        originGroups: [{ id: 'g', members: ['films', 'a.example'] }],
        behaviours: [{ pattern: '*', originId: 'g', methods: 'all' }],
      },
      /methods "all" before a bucket/,
    ],
    [
      'of which the second has a secret that viewers would send',
      {
        origins: [
          { url: 'https://a.example' },
          { url: 'https://b.example', headers: [{ name: 'X-Secret', value: 's' }] },
        ],
        originGroups: [{ id: 'g' }],
        behaviours: [{ pattern: '*', originId: 'g', headers: ['x-secret'] }],
      },
      /"x-secret" of behaviour "\*" is a secret/,
    ],
  ])('that is %s is refused', (_what, input, sentence) => {
    expect(problems(input).join('\n')).toMatch(sentence)
  })
})

describe('a page for errors', () => {
  test('is kept by its canonical path, with or without a time for the error itself', () => {
    const errors = [
      { status: 404, page: '/%65rrors/404.html', respondWith: 200 },
      { status: 403, ttl: 0, page: null, respondWith: null },
      { status: 500, ttl: 5, page: '/errors/500.html' },
    ]
    expect(good({ errors }).errors).toEqual([
      { status: 404, page: '/errors/404.html', respondWith: 200 },
      { status: 403, ttl: 0 },
      { status: 500, ttl: 5, page: '/errors/500.html' },
    ])
  })

  test.each<[string, NonNullable<DistributionInput['errors']>[number], RegExp]>([
    ['no path', { status: 404, page: '404.html' }, /is no path: write it as/],
    ['a URL', { status: 404, page: 'https://a.example/404' }, /is no path/],
    ['a path with a query', { status: 404, page: '/404?x=1' }, /query or fragment/],
    ['a path that leads elsewhere', { status: 404, page: '/a/../b' }, /no request can have/],
    ['one of ours', { status: 404, page: '/.sluice/player' }, /Sluice itself/],
    ['nothing', { status: 404 }, /says nothing/],
    ['a status alone', { status: 404, ttl: 1, respondWith: 200 }, /"respondWith" without a "page"/],
    ['a redirect', { status: 404, page: '/404', respondWith: 302 }, /cannot answer 302/],
  ])('is refused where it is %s', (_what, rule, sentence) => {
    expect(problems({ errors: [rule] }).join('\n')).toMatch(sentence)
  })

  test('is told once for each status', () => {
    expect(
      problems({
        errors: [
          { status: 404, ttl: 1 },
          { status: 404, page: '/a' },
        ],
      }),
    ).toEqual(['the rule for the error 404 is there twice: only the first would count, put them into one'])
  })
})
