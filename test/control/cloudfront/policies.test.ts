import { describe, expect, test } from 'vitest'
import { readCachePolicy, renderCachePolicy } from '../../../src/control/cloudfront/cache-policy.ts'
import { Findings } from '../../../src/control/cloudfront/findings.ts'
import {
  readOriginRequestPolicy,
  renderOriginRequestPolicy,
} from '../../../src/control/cloudfront/origin-request-policy.ts'
import {
  readResponseHeadersPolicy,
  renderResponseHeadersPolicy,
} from '../../../src/control/cloudfront/response-headers-policy.ts'
import { readBehaviour } from '../../../src/control/cloudfront/read-behaviour.ts'
import type { CacheBehavior, OriginRequestPolicyConfig } from '../../../src/control/cloudfront/shapes.ts'
import {
  MANAGED_POLICIES,
  settlePolicy,
  type BehaviourInput,
  type Policy,
} from '../../../src/distribution/index.ts'

/** What a policy says after it was shown and sent again, as it would be stored. */
function again(policy: Policy, found: Findings): unknown {
  const says = ((): Policy['says'] => {
    switch (policy.says.kind) {
      case 'cache':
        return readCachePolicy(renderCachePolicy(policy, policy.says), found)
      case 'origin-request':
        return readOriginRequestPolicy(renderOriginRequestPolicy(policy, policy.says), found)
      case 'response-headers':
        return readResponseHeadersPolicy(renderResponseHeadersPolicy(policy, policy.says), found)
    }
  })()
  const settled = settlePolicy({ name: policy.name, says }, policy.id, [])
  return settled.kind === 'good' ? settled.policy.says : settled.problems
}

function stored(policy: Policy): unknown {
  const settled = settlePolicy({ name: policy.name, says: policy.says }, policy.id, [])
  return settled.kind === 'good' ? settled.policy.says : settled.problems
}

describe('a policy', () => {
  test.each(MANAGED_POLICIES.map(policy => [policy.name, policy] as const))(
    'says the same after it was shown and sent again: %s',
    (_, policy) => {
      const found = new Findings()
      expect(again(policy, found)).toEqual(stored(policy))
      expect(found.refusals).toEqual([])
    },
  )

  const none = {
    CookiesConfig: { CookieBehavior: 'none' },
    QueryStringsConfig: { QueryStringBehavior: 'none' },
  } as const
  const headers = (HeaderBehavior: string, Items?: string[]): OriginRequestPolicyConfig => ({
    ...{ Name: 'p', ...none },
    HeadersConfig: {
      HeaderBehavior: HeaderBehavior as 'none', // words that there are not are among them
      ...(Items && { Headers: { Quantity: Items.length, Items } }),
    },
  })

  test.each([
    ['none', undefined, { forward: 'none', host: 'origin', told: [] }],
    ['allViewer', undefined, { forward: 'all', host: 'viewer', told: [] }],
    ['allExcept', ['Host'], { forward: 'all', host: 'origin', told: [] }],
    ['allExcept', ['X-A'], { forward: { except: ['x-a'] }, host: 'viewer', told: [] }],
    [
      'whitelist',
      ['Origin', 'Host', 'CloudFront-Viewer-Country'],
      { forward: ['origin'], host: 'viewer', told: ['cloudfront-viewer-country'] },
    ],
    ['whitelist', ['X-Forwarded-For'], { forward: 'none', host: 'origin', told: [] }],
    [
      'allViewerAndWhitelistCloudFront',
      ['CloudFront-Viewer-City'],
      { forward: 'all', host: 'viewer', told: ['cloudfront-viewer-city'] },
    ],
  ])('tells origins of a viewer’s header fields: %s %s', (behaviour, items, words) => {
    const found = new Findings()
    expect(readOriginRequestPolicy(headers(behaviour, items), found)).toMatchObject(words)
    expect(found.refusals).toEqual([])
  })

  test('has words that there are', () => {
    const found = new Findings()
    readOriginRequestPolicy(headers('everything'), found)
    readOriginRequestPolicy(headers('allViewerAndWhitelistCloudFront', ['X-Other']), found)
    expect(found.refusals).toHaveLength(2)
  })
})

describe('forwarded values', () => {
  const read = (values: NonNullable<CacheBehavior['ForwardedValues']>): BehaviourInput => {
    const found = new Findings()
    const behaviour = readBehaviour(
      {
        ...{ PathPattern: '*', TargetOriginId: 'o', ViewerProtocolPolicy: 'allow-all' },
        ...{ ForwardedValues: values, MinTTL: 1, DefaultTTL: 60, MaxTTL: 3600 },
      },
      undefined,
      found,
    )
    expect(found.refusals).toEqual([])
    return behaviour
  }
  const cookies = { Forward: 'none' } as const

  test('are keyed, and told to the origin', () => {
    expect(
      read({
        QueryString: true,
        Cookies: { Forward: 'whitelist', WhitelistedNames: { Quantity: 1, Items: ['lang'] } },
        Headers: { Quantity: 3, Items: ['Origin', 'Host', 'Accept-Encoding'] },
      }),
    ).toMatchObject({
      ...{ query: 'all', forwardQuery: 'none', keyedCookies: ['lang'], cookies: 'none', forward: 'none' },
      ...{ headers: ['origin'], host: 'viewer', acceptEncoding: ['br', 'gzip'] },
      ttl: { minimum: 1, default: 60, maximum: 3600 },
    })
  })

  test('with a star tell the origin all and keep nothing', () => {
    expect(
      read({ QueryString: false, Cookies: cookies, Headers: { Quantity: 1, Items: ['*'] } }),
    ).toMatchObject({
      ...{ forward: 'all', host: 'viewer', headers: [], query: 'none' },
      ttl: { minimum: 0, default: 0, maximum: 0 },
    })
  })
})
