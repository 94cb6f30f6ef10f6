import type { PolicyId } from '../core/index.ts'
import type { CachePolicy, OriginRequestPolicy, Policy, ResponseHeaders } from './schema.ts'
import { TOLD_FIELDS } from './told-fields.ts'

const YEAR = 31_536_000

/** Of these CloudFront's list knows nothing yet. */
const LATER: ReadonlySet<string> = new Set([
  'cloudfront-viewer-header-count',
  'cloudfront-viewer-header-order',
])

/**
 * The policies that CloudFront has for everybody, under its ids and names (Developer Guide, "Use managed cache
 * policies", "… origin request policies", "… response headers policies"). They are always there and nobody's to change.
 */
export const MANAGED_POLICIES: readonly Policy[] = [...cachePolicies(), ...originRequests(), ...responses()]

export function isManaged(id: string): boolean {
  return MANAGED_POLICIES.some(each => each.id === id)
}

function cachePolicies(): Policy[] {
  const cache = (id: string, name: string, change: Partial<CachePolicy>, comment: string): Policy =>
    policy(id, name, comment, {
      kind: 'cache',
      ttl: { minimum: 1, default: 86_400, maximum: YEAR },
      query: 'none',
      headers: [],
      keyedCookies: 'none',
      acceptEncoding: ['br', 'gzip'],
      ...change,
    })
  const byOrigin = {
    ttl: { minimum: 0, default: 0, maximum: YEAR },
    headers: ['host', 'origin', 'x-http-method-override', 'x-http-method', 'x-method-override'],
    keyedCookies: 'all' as const,
  }
  return [
    cache('658327ea-f89d-4fab-a63d-7e88639e58f6', 'CachingOptimized', {}, 'nothing keyed, compressed'),
    cache(
      'b2884449-e4de-46a7-ac36-70bc7f1ddd6d',
      'CachingOptimizedForUncompressedObjects',
      { acceptEncoding: [] },
      'nothing keyed, as the origin sends it',
    ),
    cache(
      '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      'CachingDisabled',
      { ttl: { minimum: 0, default: 0, maximum: 0 }, acceptEncoding: [] },
      'nothing is kept',
    ),
    cache(
      '08627262-05a9-4f76-9ded-b50ca2e3a84f',
      'Elemental-MediaPackage',
      {
        ttl: { minimum: 0, default: 86_400, maximum: YEAR },
        headers: ['origin'],
        query: ['aws.manifestfilter', 'start', 'end', 'm'],
        acceptEncoding: ['gzip'],
      },
      'before a packager of that name',
    ),
    cache(
      '2e54312d-136d-493c-8eb9-b001f22f67d2',
      'Amplify',
      {
        ttl: { minimum: 2, default: 2, maximum: 600 },
        headers: ['authorization', 'cloudfront-viewer-country', 'host'],
        ...{ query: 'all', keyedCookies: 'all' },
      },
      'before a web application of that name',
    ),
    cache(
      '83da9c7e-98b4-4e11-a168-04f0df8e2c65',
      'UseOriginCacheControlHeaders',
      byOrigin,
      'what the origin says, without the query',
    ),
    cache(
      '4cc15a8a-d715-48a4-82b8-cc0b614638fe',
      'UseOriginCacheControlHeaders-QueryStrings',
      { ...byOrigin, query: 'all' },
      'what the origin says, with the query',
    ),
  ]
}

function originRequests(): Policy[] {
  const told = (id: string, name: string, change: Partial<OriginRequestPolicy>, comment: string): Policy =>
    policy(id, name, comment, {
      kind: 'origin-request',
      forward: 'none',
      cookies: 'none',
      forwardQuery: 'none',
      host: 'origin',
      told: [],
      ...change,
    })
  const everything = { forward: 'all', cookies: 'all', forwardQuery: 'all' } as const
  const cors = ['origin', 'access-control-request-headers', 'access-control-request-method']
  return [
    told(
      '216adef6-5c7f-47e4-b989-5492eafa07d3',
      'AllViewer',
      { ...everything, host: 'viewer' },
      'all that viewers send',
    ),
    told(
      'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      'AllViewerExceptHostHeader',
      everything,
      'all that viewers send but the host',
    ),
    told(
      '33f36d7e-f396-46d9-90e0-52428a34d9dc',
      'AllViewerAndCloudFrontHeaders-2022-06',
      { ...everything, host: 'viewer', told: TOLD_FIELDS.filter(name => !LATER.has(name)) },
      'all that viewers send, and what edges know of them',
    ),
    told(
      '59781a5b-3903-41f3-afcb-af62929ccde1',
      'CORS-CustomOrigin',
      { forward: ['origin'] },
      'what CORS asks for',
    ),
    told(
      '88a5eaf4-2fd4-4709-b370-b4c650ea3fcf',
      'CORS-S3Origin',
      { forward: cors },
      'what CORS asks for, of a bucket',
    ),
    told(
      '775133bc-15f2-49f9-abea-afb2e0bf67d2',
      'Elemental-MediaTailor-PersonalizedManifests',
      // X-Forwarded-For is told wherever anything is passed on.
      { forward: [...cors, 'user-agent'], forwardQuery: 'all' },
      'before an inserter of that name',
    ),
    told('bf0718e1-ba1e-49d1-88b1-f726733018ae', 'HostHeaderOnly', { host: 'viewer' }, 'the host'),
    told(
      'acba4595-bd28-49b8-b9fe-13317c0390fa',
      'UserAgentRefererHeaders',
      { forward: ['user-agent', 'referer'] },
      'browser and referring page',
    ),
  ]
}

function responses(): Policy[] {
  const answers = (id: string, name: string, change: Partial<ResponseHeaders>, comment: string): Policy =>
    policy(id, name, comment, {
      kind: 'response-headers',
      responseHeaders: { ...change, custom: [], remove: [] },
    })
  const anybody = { origins: ['*'], credentials: false, headers: ['*'], expose: [], override: false }
  const simple = { ...anybody, methods: ['GET' as const, 'HEAD' as const] }
  const preflight = {
    ...anybody,
    methods: (['GET', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const).slice(),
    expose: ['*'],
  }
  const security = {
    contentTypeOptions: { override: true },
    frameOptions: { value: 'SAMEORIGIN' as const, override: false },
    referrerPolicy: { value: 'strict-origin-when-cross-origin', override: false },
    strictTransportSecurity: { maxAge: YEAR, includeSubdomains: false, preload: false, override: false },
    xssProtection: { protection: true, modeBlock: true, override: false },
  }
  return [
    answers('60669652-455b-4ae9-85a4-c4c02393f86c', 'SimpleCORS', { cors: simple }, 'any page may read'),
    answers(
      '5cc3b908-e619-4b99-88e5-2cf7f45965bd',
      'CORS-With-Preflight',
      { cors: preflight },
      'any page may read and send',
    ),
    answers(
      '67f7725c-6f97-4210-82d7-5512b31e9d03',
      'SecurityHeadersPolicy',
      { security },
      'what keeps browsers careful',
    ),
    answers(
      'e61eb60c-9c35-4d20-a928-2b84e02af89c',
      'CORS-and-SecurityHeadersPolicy',
      { cors: simple, security },
      'any page may read; what keeps browsers careful',
    ),
    answers(
      'eaab4381-ed33-4a86-88ca-d9558dc6cd63',
      'CORS-with-preflight-and-SecurityHeadersPolicy',
      { cors: preflight, security },
      'any page may read and send; what keeps browsers careful',
    ),
  ]
}

function policy(id: string, name: string, comment: string, says: Policy['says']): Policy {
  return { id: id as PolicyId, name: `Managed-${name}`, comment, says } // CloudFront's own ids
}
