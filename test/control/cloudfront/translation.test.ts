import { describe, expect, test } from 'vitest'
import type { DistributionId, IssuerId, KeyGroupId, OriginAccessId } from '../../../src/core/index.ts'
import { fillConfig } from '../../../src/control/cloudfront/config-defaults.ts'
import { Findings } from '../../../src/control/cloudfront/findings.ts'
import { readDistributionConfig, type Known } from '../../../src/control/cloudfront/read-distribution.ts'
import { renderDistribution } from '../../../src/control/cloudfront/render-distribution.ts'
import type { DistributionConfig } from '../../../src/control/cloudfront/shapes.ts'
import {
  settleDistribution,
  type Distribution,
  type DistributionInput,
  type Surroundings,
} from '../../../src/distribution/index.ts'
import { OPTIMIZED, smallConfig, withBehaviour, withOrigin } from './documents.ts'

/** AllViewer, as CloudFront names it. */
const ALL_VIEWER = '216adef6-5c7f-47e4-b989-5492eafa07d3'

const around: Surroundings = {
  id: 'E1AAAAAAAAAAAA' as DistributionId, // a test's own
  domain: 'e1aaaaaaaaaaaa.cdn.localhost',
  before: undefined,
  others: [],
  keyGroups: [{ id: 'kg-members' as KeyGroupId, name: 'members' }], // as above
  issuers: [{ id: 'iss-login' as IssuerId, name: 'login' }], // as above
  originAccess: [{ id: 'EACCESS' as OriginAccessId, name: 'store' }], // as above
  policies: [],
}

function settled(
  config: DistributionConfig,
  known?: Known,
): { distribution: Distribution; notices: string[] } {
  const found = new Findings()
  const input = readDistributionConfig(config, known, found)
  expect(found.refusals).toEqual([])
  const result = settleDistribution(input, { ...around, before: known?.distribution })
  if (result.kind !== 'good') throw new Error(JSON.stringify(result))
  return { distribution: result.distribution, notices: found.notices }
}

function refusals(config: DistributionConfig, known?: Known): string[] {
  const found = new Findings()
  readDistributionConfig(config, known, found)
  return found.refusals.map(({ code, message }) => `${code} ${message}`)
}

function rendered(distribution: Distribution, inert?: DistributionConfig): DistributionConfig {
  return renderDistribution(distribution, { access: () => 'control', inert })
}

/** Every part of it is honoured. */
const whole: DistributionConfig = {
  CallerReference: 'whole',
  Aliases: { Quantity: 1, Items: ['media.example'] },
  DefaultRootObject: 'index.html',
  Origins: {
    Quantity: 4,
    Items: [
      {
        Id: 'site',
        DomainName: 'site.example',
        OriginPath: '/prefix',
        CustomHeaders: { Quantity: 1, Items: [{ HeaderName: 'X-Secret', HeaderValue: 's3cret' }] },
        ConnectionAttempts: 2,
        ConnectionTimeout: 4,
        OriginShield: { Enabled: true, OriginShieldRegion: 'vienna' },
        CustomOriginConfig: {
          HTTPPort: 8080,
          HTTPSPort: 8443,
          OriginProtocolPolicy: 'http-only',
          OriginSslProtocols: { Quantity: 1, Items: ['TLSv1.2'] },
          OriginReadTimeout: 60,
          OriginKeepaliveTimeout: 15,
        },
      },
      {
        Id: 'second',
        DomainName: 'second.example',
        CustomOriginConfig: { HTTPPort: 81, HTTPSPort: 444, OriginProtocolPolicy: 'match-viewer' },
      },
      {
        Id: 'bucket',
        DomainName: 'films.s3.eu-central-1.amazonaws.com',
        OriginPath: '/vod',
        OriginAccessControlId: 'EACCESS',
        S3OriginConfig: { OriginAccessIdentity: '' },
      },
      {
        Id: 'own',
        DomainName: 'origin.sluice.internal',
        CustomOriginConfig: { HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: 'http-only' },
      },
    ],
  },
  OriginGroups: {
    Quantity: 1,
    Items: [
      {
        Id: 'pair',
        FailoverCriteria: { StatusCodes: { Quantity: 2, Items: [500, 502] } },
        Members: { Quantity: 2, Items: [{ OriginId: 'site' }, { OriginId: 'second' }] },
      },
    ],
  },
  DefaultCacheBehavior: {
    TargetOriginId: 'pair',
    ViewerProtocolPolicy: 'redirect-to-https',
    AllowedMethods: {
      Quantity: 3,
      Items: ['GET', 'HEAD', 'OPTIONS'],
      CachedMethods: { Quantity: 3, Items: ['GET', 'HEAD', 'OPTIONS'] },
    },
    Compress: true,
    CachePolicyId: OPTIMIZED,
  },
  CacheBehaviors: {
    Quantity: 2,
    Items: [
      {
        PathPattern: '/members/*',
        TargetOriginId: 'own',
        ViewerProtocolPolicy: 'https-only',
        TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: ['kg-members'] },
        CachePolicyId: OPTIMIZED,
      },
      {
        PathPattern: '*.jpg',
        TargetOriginId: 'bucket',
        ViewerProtocolPolicy: 'allow-all',
        ForwardedValues: {
          QueryString: true,
          QueryStringCacheKeys: { Quantity: 1, Items: ['w'] },
          Cookies: { Forward: 'none' },
          Headers: { Quantity: 1, Items: ['Origin'] },
        },
        MinTTL: 1,
        DefaultTTL: 60,
        MaxTTL: 3600,
      },
    ],
  },
  CustomErrorResponses: {
    Quantity: 1,
    Items: [{ ErrorCode: 404, ResponsePagePath: '/404.html', ResponseCode: '200', ErrorCachingMinTTL: 5 }],
  },
  Comment: 'all of it',
  Enabled: true,
  ViewerCertificate: {
    ACMCertificateArn: 'arn:aws:acm:us-east-1:000000000000:certificate/media',
    SSLSupportMethod: 'sni-only',
    MinimumProtocolVersion: 'TLSv1.3_2025',
  },
  Restrictions: { GeoRestriction: { RestrictionType: 'whitelist', Quantity: 2, Items: ['DE', 'FR'] } },
  HttpVersion: 'http1.1',
  IsIPV6Enabled: true,
}

describe('a distribution that says everything', () => {
  test('becomes a distribution of ours', () => {
    const { distribution } = settled(whole)
    expect(distribution).toMatchObject({
      ...{ id: around.id, domain: around.domain, aliases: ['media.example'], enabled: true },
      ...{ comment: 'all of it', defaultRoot: 'index.html', http: '1.1', minimumTls: '1.3' },
      certificate: 'media',
      geo: { mode: 'allow', countries: ['DE', 'FR'] },
      origins: [
        {
          id: 'site',
          kind: 'http',
          url: 'http://site.example:8080/prefix',
          headers: [{ name: 'X-Secret', value: 's3cret' }],
          ...{ protocol: 'as-url', attempts: 2, connectTimeout: 4, responseTimeout: 60, keepAlive: 15 },
          shield: 'vienna',
        },
        {
          id: 'second',
          url: 'https://second.example',
          protocol: 'match-viewer',
          httpPort: 81,
          httpsPort: 444,
        },
        {
          ...{ id: 'bucket', kind: 's3', bucket: 'films', region: 'eu-central-1', path: '/vod' },
          ...{ endpoint: 'https://s3.eu-central-1.amazonaws.com', addressing: 'host', access: 'EACCESS' },
        },
        { id: 'own', kind: 'built-in' },
      ],
      originGroups: [{ id: 'pair', members: ['site', 'second'], statuses: [500, 502] }],
      behaviours: [
        {
          ...{ pattern: '/members/*', originId: 'own', viewerProtocol: 'https-only', methods: 'get' },
          ...{ gate: { keyGroups: ['kg-members'], issuers: [] }, policies: { cache: OPTIMIZED } },
          ...{ forward: 'none', cookies: 'none', query: 'none', acceptEncoding: ['br', 'gzip'] },
        },
        {
          ...{ pattern: '*.jpg', originId: 'bucket', gate: null, query: ['w'], forwardQuery: 'all' },
          ...{ headers: ['origin'], ttl: { minimum: 1, default: 60, maximum: 3600 }, compress: false },
        },
        {
          ...{ pattern: '*', originId: 'pair', methods: 'read', keepOptions: true, compress: true },
          viewerProtocol: 'redirect-to-https',
        },
      ],
      errors: [{ status: 404, ttl: 5, page: '/404.html', respondWith: 200 }],
    })
  })

  test('is the same after it was shown and sent again, with and without what was sent first', () => {
    const { distribution } = settled(whole)
    for (const inert of [undefined, whole]) {
      const shown = rendered(distribution, inert)
      expect(settled(shown).distribution).toEqual(distribution)
      expect(settled(shown, { distribution, shown }).distribution).toEqual(distribution)
    }
  })

  test('is shown with all that CloudFront fills in, also when that was filled in before', () => {
    const filled = fillConfig(whole)
    expect(fillConfig(filled)).toEqual(filled)
    expect(filled).toMatchObject({
      ...{ PriceClass: 'PriceClass_All', WebACLId: '', Staging: false },
      ViewerCertificate: { CertificateSource: 'acm', CloudFrontDefaultCertificate: false },
      CacheBehaviors: { Items: [{ FieldLevelEncryptionId: '', AllowedMethods: { Quantity: 2 } }, {}] },
    })
  })
})

describe('what CloudFront has no words for', () => {
  const made: Distribution = settledInput({
    origin: 'https://site.example',
    behaviours: [
      { pattern: '/members/*', gate: { keyGroups: ['members'], issuers: ['login'] }, carry: 'define' },
      { pattern: '/tokens/*', gate: { issuers: ['login'] } },
      { pattern: '/told/*', policies: { cache: OPTIMIZED }, forward: ['x-name'], cookies: ['lang'] },
      {
        pattern: '/asked/*',
        query: ['v'],
        policies: { originRequest: '216adef6-5c7f-47e4-b989-5492eafa07d3' },
      },
      { pattern: '*', forward: 'all', corsOrigins: ['https://app.example'] },
    ],
  })

  test('stays when a document comes back as it was shown', () => {
    const shown = rendered(made)
    expect(settled(shown, { distribution: made, shown }).distribution).toEqual(made)
  })

  test('stays when something else is changed', () => {
    const shown = rendered(made)
    const sent = { ...shown, Comment: 'changed' }
    expect(settled(sent, { distribution: made, shown }).distribution).toEqual({ ...made, comment: 'changed' })
  })

  test.each<[string, DistributionInput]>([
    ["a port that is the URL's own", { origin: 'http://site.example:8080/prefix' }],
    ['an address', { origin: 'http://[2001:db8::1]:8080' }],
    [
      'a scheme that the viewer decides',
      { origins: [{ url: 'http://site.example', protocol: 'match-viewer' }] },
    ],
    ['versions of TLS', { origins: [{ url: 'https://site.example', tls: ['1.3'] }] }],
    [
      'capitals of a bucket',
      { origins: [{ bucket: 'Films', endpoint: 'https://store.example', addressing: 'host' }] },
    ],
    [
      'an origin request policy without a cache policy',
      {
        origin: 'https://site.example',
        behaviours: [{ pattern: '*', policies: { originRequest: ALL_VIEWER } }],
      },
    ],
  ])('stays when a document comes back as it was shown: %s', (_, input) => {
    const distribution = settledInput(input)
    const shown = rendered(distribution)
    expect(settled(shown, { distribution, shown }).distribution).toEqual(distribution)
  })

  test('stays when the lists of a document come back in another order', () => {
    const distribution = settledInput({
      origin: 'https://site.example',
      behaviours: [
        {
          pattern: '*',
          ...{ query: ['b', 'a'], headers: ['x-b', 'x-a'], host: 'viewer' },
          ...{ forward: ['x-told'], cookies: ['two', 'one'], forwardQuery: ['more'] },
        },
      ],
    })
    const shown = rendered(distribution)
    const last = shown.DefaultCacheBehavior
    const values = last?.ForwardedValues
    const Headers = { Quantity: 3, Items: ['host', 'X-A', 'X-B'] }
    expect(values).toMatchObject({
      Headers: { Items: ['x-b', 'x-a', 'Host'] },
      Cookies: { Forward: 'whitelist', WhitelistedNames: { Items: ['two', 'one'] } },
      QueryStringCacheKeys: { Items: ['b', 'a'] },
    })
    const reordered = {
      QueryString: true,
      Headers,
      Cookies: { Forward: 'whitelist', WhitelistedNames: { Quantity: 2, Items: ['one', 'two'] } },
      QueryStringCacheKeys: { Quantity: 2, Items: ['a', 'b'] },
    }
    const sent = { ...shown, DefaultCacheBehavior: { ...last, ForwardedValues: reordered } }
    const known = { distribution, shown }
    expect(settled(sent as DistributionConfig, known).distribution).toEqual(distribution)
    const fewer = { ...reordered, QueryStringCacheKeys: { Quantity: 1, Items: ['a'] } }
    const changed = { ...shown, DefaultCacheBehavior: { ...last, ForwardedValues: fewer } }
    expect(settled(changed as DistributionConfig, known).distribution.behaviours).toMatchObject([
      { query: ['a'], forward: 'none', cookies: 'none' },
    ])
  })

  test('leaves the versions of TLS of an origin whose secret is changed', () => {
    const origin = {
      url: 'https://site.example',
      tls: ['1.3' as const],
      headers: [{ name: 'X-A', value: 'one' }],
    }
    const distribution = settledInput({ origins: [origin] })
    const shown = rendered(distribution)
    const [first] = shown.Origins?.Items ?? []
    const CustomHeaders = { Quantity: 1, Items: [{ HeaderName: 'X-A', HeaderValue: 'two' }] }
    for (const change of [{ CustomHeaders }, { CustomHeaders, OriginPath: '/other' }]) {
      const sent = { ...shown, Origins: { Quantity: 1, Items: [{ ...first, ...change } as typeof first] } }
      expect(settled(sent as DistributionConfig, { distribution, shown }).distribution.origins).toMatchObject(
        [{ tls: ['1.3'], headers: [{ name: 'X-A', value: 'two' }] }],
      )
    }
  })

  test('leaves an error rule without a time as it is until the rule is changed', () => {
    const distribution = settledInput({
      origin: 'https://site.example',
      errors: [
        { status: 404, page: '/lost.html' },
        { status: 503, ttl: 3 },
      ],
    })
    const shown = rendered(distribution)
    const rules = shown.CustomErrorResponses?.Items ?? []
    expect(rules).toMatchObject([
      { ErrorCode: 404, ErrorCachingMinTTL: 10, ResponsePagePath: '/lost.html', ResponseCode: '404' },
      { ErrorCode: 503, ErrorCachingMinTTL: 3 },
    ])
    const known = { distribution, shown }
    const turned = { ...shown, CustomErrorResponses: { Quantity: 2, Items: [...rules].reverse() } }
    expect(settled(turned, known).distribution.errors).toEqual([...distribution.errors].reverse())
    const Items = rules.map(each => ({ ...each, ErrorCachingMinTTL: 20 }))
    const changed = { ...shown, CustomErrorResponses: { Quantity: 2, Items } }
    expect(settled(changed, known).distribution.errors).toEqual([
      { status: 404, ttl: 20, page: '/lost.html', respondWith: 404 },
      { status: 503, ttl: 20 },
    ])
  })

  test('keeps a behaviour closed that issuers open, and says so', () => {
    const shown = rendered(made)
    const { distribution, notices } = settled(shown, { distribution: made, shown })
    expect(distribution.behaviours[1]?.gate).toEqual({ keyGroups: [], issuers: ['iss-login'] })
    expect(notices).toContainEqual(expect.stringContaining('tokens of issuers are still asked for'))
  })

  test('keeps what issuers alone open from being renamed or taken out, which would open it to all', () => {
    const shown = rendered(made)
    const [members, tokens] = shown.CacheBehaviors?.Items ?? []
    if (members === undefined || tokens === undefined) throw new Error('there are two beside the default one')
    const without = { ...shown, CacheBehaviors: { Quantity: 1, Items: [members] } }
    const renamed = {
      ...shown,
      CacheBehaviors: { Quantity: 2, Items: [members, { ...tokens, PathPattern: '/token/*' }] },
    }
    for (const sent of [without, renamed])
      expect(refusals(sent, { distribution: made, shown })).toEqual([
        'InvalidArgument CacheBehavior /tokens/*: it asks for tokens of issuers, for which CloudFront has no word: rename it or take it out with sluice distribution update',
      ])
  })
})

describe('a behaviour that tokens opened beside keys', () => {
  test('goes with a notice when it is taken out', () => {
    const made = settledInput({
      origin: 'https://site.example',
      behaviours: [
        { pattern: '/tokens/*', gate: { keyGroups: ['members'], issuers: ['login'] } },
        { pattern: '*' },
      ],
    })
    const shown = rendered(made)
    const { notices } = settled({ ...shown, CacheBehaviors: { Quantity: 0 } }, { distribution: made, shown })
    expect(notices).toEqual([expect.stringContaining('CacheBehavior /tokens/*: it is gone')])
  })
})

describe('a bucket', () => {
  const s3 = (
    DomainName: string,
    fields: [string, string][] = [],
  ): Distribution['origins'][number] | undefined =>
    settled(
      withoutCustom({
        DomainName,
        S3OriginConfig: { OriginAccessIdentity: '' },
        CustomHeaders: {
          Quantity: fields.length,
          Items: fields.map(([HeaderName, HeaderValue]) => ({ HeaderName, HeaderValue })),
        },
      }),
    ).distribution.origins[0]

  test.each([
    ['films.s3.amazonaws.com', 'films', 'us-east-1', 'https://s3.us-east-1.amazonaws.com'],
    ['films.s3-eu-west-1.amazonaws.com', 'films', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com'],
    ['a.b.s3.dualstack.us-east-2.amazonaws.com', 'a.b', 'us-east-2', 'https://s3.us-east-2.amazonaws.com'],
    ['films.s3.cn-north-1.amazonaws.com.cn', 'films', 'cn-north-1', 'https://s3.cn-north-1.amazonaws.com.cn'],
  ])('of Amazon is told from its name: %s', (domain, bucket, region, endpoint) => {
    expect(s3(domain)).toMatchObject({ bucket, region, endpoint, addressing: 'host' })
  })

  test('of another store stands before its host', () => {
    expect(s3('films.store.example')).toMatchObject({
      ...{ bucket: 'films', endpoint: 'https://store.example', region: 'us-east-1', addressing: 'host' },
    })
  })

  test('of a store with a URL of its own is named by it, in its path', () => {
    const origin = s3('films.minio.internal', [
      ['Sluice-Store', 'http://minio.internal:9000'],
      ['Sluice-Region', 'garage'],
    ])
    expect(origin).toMatchObject({
      ...{ bucket: 'films', endpoint: 'http://minio.internal:9000', region: 'garage', addressing: 'path' },
    })
  })

  test('is told no header of anybody, and no website is one', () => {
    const other = withoutCustom({
      DomainName: 'films.s3.amazonaws.com',
      S3OriginConfig: { OriginAccessIdentity: '' },
      CustomHeaders: { Quantity: 1, Items: [{ HeaderName: 'X-Other', HeaderValue: 'x' }] },
    })
    expect(refusals(other)).toEqual([expect.stringContaining('InvalidArgument Origin site, CustomHeaders')])
    const site = withoutCustom({
      DomainName: 'films.s3-website-us-east-1.amazonaws.com',
      S3OriginConfig: { OriginAccessIdentity: '' },
    })
    expect(refusals(site)).toEqual([expect.stringContaining('InvalidOrigin')])
  })
})

describe('what is not taken', () => {
  test.each<[string, DistributionConfig, string]>([
    [
      'a default behaviour without a policy or values',
      withBehaviour({ CachePolicyId: '' }),
      'InvalidArgument',
    ],
    [
      'lifetimes beside a policy',
      withBehaviour({ MinTTL: 5 }),
      'InvalidArgument DefaultCacheBehavior: it names a cache policy',
    ],
    [
      'lifetimes that fall',
      withBehaviour({
        CachePolicyId: '',
        ForwardedValues: { QueryString: false, Cookies: { Forward: 'none' } },
        ...{ MinTTL: 10, DefaultTTL: 5, MaxTTL: 20 },
      }),
      'InvalidTTLOrder',
    ],
    [
      'methods of no set',
      withBehaviour({ AllowedMethods: { Quantity: 3, Items: ['GET', 'HEAD', 'PUT'] } }),
      'InvalidArgument DefaultCacheBehavior, AllowedMethods',
    ],
    [
      'trusted groups that are switched off',
      withBehaviour({ TrustedKeyGroups: { Enabled: false, Quantity: 1, Items: ['kg-members'] } }),
      'InvalidArgument DefaultCacheBehavior, TrustedKeyGroups',
    ],
    [
      'trusted groups without one',
      withBehaviour({ TrustedKeyGroups: { Enabled: true, Quantity: 0 } }),
      'InvalidArgument DefaultCacheBehavior, TrustedKeyGroups',
    ],
    [
      'an access control on a site',
      withOrigin({ OriginAccessControlId: 'EACCESS' }),
      'InvalidOriginAccessControl',
    ],
    ['an origin that is neither', withoutCustom({}), 'InvalidOrigin'],
    ['a port in a domain name', withOrigin({ DomainName: 'site.example:8443' }), 'InvalidOrigin'],
    ['a path in a domain name', withOrigin({ DomainName: 'site.example/a' }), 'InvalidOrigin'],
    ['another host behind slashes', withOrigin({ DomainName: '//other.example' }), 'InvalidOrigin'],
    [
      'countries without a rule',
      smallConfig({
        Restrictions: { GeoRestriction: { RestrictionType: 'none', Quantity: 1, Items: ['DE'] } },
      }),
      'InvalidGeoRestrictionParameter',
    ],
    [
      'a country that there is not',
      smallConfig({
        Restrictions: { GeoRestriction: { RestrictionType: 'blacklist', Quantity: 1, Items: ['Germany'] } },
      }),
      'InvalidLocationCode',
    ],
    ['a root object with a slash', smallConfig({ DefaultRootObject: '/a' }), 'InvalidDefaultRootObject'],
    [
      'a certificate that is none',
      smallConfig({ ViewerCertificate: { ACMCertificateArn: 'x' } }),
      'InvalidViewerCertificate',
    ],
  ])('%s', (_, config, refusal) => {
    expect(refusals(config)).toEqual([expect.stringContaining(refusal)])
  })
})

describe('what becomes stricter', () => {
  test('is said', () => {
    const { distribution, notices } = settled(
      smallConfig({
        ViewerCertificate: {
          IAMCertificateId: 'media',
          SSLSupportMethod: 'vip',
          MinimumProtocolVersion: 'TLSv1.1_2016',
        },
        HttpVersion: 'http2and3',
      }),
    )
    expect(distribution).toMatchObject({ certificate: 'media' })
    expect(notices.map(each => each.split(':')[0])).toEqual([
      'HttpVersion',
      'MinimumProtocolVersion',
      'SSLSupportMethod',
      'ViewerCertificate',
    ])
  })
})

function settledInput(input: Parameters<typeof settleDistribution>[0]): Distribution {
  const result = settleDistribution(input, around)
  if (result.kind !== 'good') throw new Error(JSON.stringify(result))
  return result.distribution
}

function withoutCustom(
  change: NonNullable<NonNullable<DistributionConfig['Origins']>['Items']>[number] | object,
): DistributionConfig {
  const { CustomOriginConfig: custom, ...origin } = withOrigin(change).Origins?.Items?.[0] ?? {}
  expect(custom).toBeDefined()
  const origins = [{ Id: 'site', DomainName: 'site.example', ...origin }]
  return smallConfig({ Origins: { Quantity: 1, Items: origins } })
}
