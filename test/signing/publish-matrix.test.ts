import { describe, expect, test } from 'vitest'
import { UNTIL, type ConditionCase } from './cases.ts'
import { requestOf } from './case-request.ts'
import { trustWith, verdictOf, word } from './edge.ts'

/** What a policy names; undefined is none at all, which a key group must allow. */
const VIEWERS = [
  undefined,
  '*',
  '*://*',
  '*://*/live/stage',
  '*://h/live/stage',
  '*/live/stage',
  '*h/live/stage',
  'http://h/live/*',
  'https://*',
  'https://h/live/stage',
] as const
const PUBLISHERS = [
  'rtmp://*',
  'rtmp://*/live/*',
  'rtmp://h/live/stage',
  'rtmps://*',
  'rtmps://h/live/stage',
  'live/stage',
  'live/*',
  'l?ve/stage',
] as const
/** What names nothing opens nothing, for whomever it was meant. */
const NOBODYS = [
  'http*://h/live/stage',
  'rtmp*://h/live/stage',
  'HTTPS://h/live/stage',
  '://h/live/stage',
] as const
const ACTIONS = [undefined, '"play"', '"publish"', '["play","publish"]'] as const
const WATCHED = ['http://h/live/stage', 'https://h/live/stage', 'https://h:8443/live/stage'] as const
const STREAMED = ['rtmp://h/live/stage', 'rtmps://h/live/stage', 'rtmp://h:1935/live/stage'] as const

function told(
  resource: string | undefined,
  action: string | undefined,
  url: string,
  wants: 'view' | 'publish',
): string {
  const fields = [
    ...(resource === undefined ? [] : [`"Resource":"${resource}"`]),
    ...(action === undefined ? [] : [`"Action":${action}`]),
    `"Condition":{"DateLessThan":{"AWS:EpochTime":${UNTIL}}}`,
  ]
  const row: ConditionCase = [
    'SEAMS 8',
    `{"Statement":[{${fields.join(',')}}]}`,
    `${url}?$G`,
    'allowed',
    { action: wants },
  ]
  return word(verdictOf(requestOf(row), trustWith({ withoutResource: 'accept' })))
}

const REFUSED = expect.stringMatching(/^wrong-(resource|action)$/) as string

describe.each(ACTIONS)('with Action %s', action => {
  test.each(VIEWERS)('what opens %s to viewers publishes nothing', resource => {
    for (const url of [...STREAMED, ...WATCHED])
      expect(told(resource, action, url, 'publish')).toEqual(REFUSED)
  })

  test.each(PUBLISHERS)('what publishes to %s opens nothing to viewers', resource => {
    for (const url of [...STREAMED, ...WATCHED]) expect(told(resource, action, url, 'view')).toEqual(REFUSED)
  })

  test.each(NOBODYS)('%s opens nothing at all', resource => {
    for (const url of [...STREAMED, ...WATCHED]) {
      expect(told(resource, action, url, 'view')).toBe('wrong-resource')
      expect(told(resource, action, url, 'publish')).toBe('wrong-resource')
    }
  })

  const views = action !== '"publish"'
  test.each(VIEWERS)(`what names %s ${views ? 'is' : 'is not even'} watched`, resource => {
    const opened = WATCHED.map(url => told(resource, action, url, 'view'))
    expect(opened.includes('allowed')).toBe(views)
    expect(opened.filter(said => said !== 'allowed' && !/^wrong-(resource|action)$/.test(said))).toEqual([])
  })

  const publishes = action !== '"play"'
  test.each(PUBLISHERS)(`what names %s ${publishes ? 'is' : 'is not even'} published to`, resource => {
    expect(STREAMED.map(url => told(resource, action, url, 'publish')).includes('allowed')).toBe(publishes)
  })
})

test('a stream that nobody named is not published to', () => {
  for (const resource of ['rtmp://h/live/stage', 'live/stage', 'rtmp://*/live/stage']) {
    for (const url of [
      'rtmp://h/live/other',
      'rtmp://h/live/stage/archive',
      'rtmp://h/live',
      'rtmp://h/x/live/stage',
    ])
      expect(told(resource, undefined, url, 'publish')).toBe('wrong-resource')
  }
})

test('a canned grant for watching publishes nothing, and one for publishing opens nothing', () => {
  const canned = (signed: string, url: string, action: 'view' | 'publish'): string => {
    const policy = `{"Statement":[{"Resource":"${signed}","Condition":{"DateLessThan":{"AWS:EpochTime":${UNTIL}}}}]}`
    return word(verdictOf(requestOf(['SEAMS 8', policy, `${url}?$C`, 'allowed', { action }])))
  }
  expect(canned('https://h/live/stage', 'https://h/live/stage', 'view')).toBe('allowed')
  expect(canned('https://h/live/stage', 'https://h/live/stage', 'publish')).toBe('wrong-action')
  expect(canned('https://h/live/stage', 'rtmp://h/live/stage', 'publish')).toBe('bad-signature')
  for (const signed of ['live/stage', 'rtmp://h/live/stage']) {
    expect(canned(signed, 'rtmp://h/live/stage', 'publish')).toBe('allowed')
    expect(canned(signed, 'rtmp://h/live/stage', 'view')).toBe('wrong-action')
    expect(canned(signed, 'https://h/live/stage', 'view')).toBe('bad-signature')
    expect(canned(signed, `rtmp://h/${signed}`, 'publish')).toBe(
      signed === 'live/stage' ? 'allowed' : 'bad-signature',
    )
  }
})
