import { describe, expect, test } from 'vitest'
import { Findings } from '../../../src/control/cloudfront/findings.ts'
import { loadModel } from '../../../src/control/cloudfront/model.ts'
import { readDistributionConfig } from '../../../src/control/cloudfront/read-distribution.ts'
import { settingOf, SETTINGS } from '../../../src/control/cloudfront/settings.ts'
import type { DistributionConfig } from '../../../src/control/cloudfront/shapes.ts'
import type { Model } from '../../../src/restxml/index.ts'
import { smallConfig, withBehaviour, withOrigin } from './documents.ts'

/** Every setting that a DistributionConfig can hold, by CloudFront's own description. Counts of items are none. */
function settingsOf(model: Model, type: string, path: string[]): string[] {
  const shape = model.shapes[type]
  switch (shape?.kind) {
    case undefined:
      return path.at(-1) === 'Quantity' ? [] : [path.join('.')]
    case 'list':
      return settingsOf(model, shape.of, path)
    case 'structure':
      return Object.entries(shape.members).flatMap(([name, member]) =>
        settingsOf(model, member.type, [...path, name]),
      )
  }
}

const all = settingsOf(await loadModel(), 'DistributionConfig', [])
const custom = { HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: 'https-only' } as const

/** For each setting that is refused or kept, a document that sets it. */
const EXAMPLES: Record<string, DistributionConfig> = {
  WebACLId: smallConfig({ WebACLId: 'arn:aws:wafv2:us-east-1:0:global/webacl/x/y' }),
  ContinuousDeploymentPolicyId: smallConfig({ ContinuousDeploymentPolicyId: 'x' }),
  Staging: smallConfig({ Staging: true }),
  AnycastIpListId: smallConfig({ AnycastIpListId: 'x' }),
  'TenantConfig.ParameterDefinitions': smallConfig({
    TenantConfig: { ParameterDefinitions: [{ Name: 'a', Definition: {} }] },
  }),
  ConnectionMode: smallConfig({ ConnectionMode: 'tenant-only' }),
  ViewerMtlsConfig: smallConfig({ ViewerMtlsConfig: { Mode: 'optional' } }),
  'ConnectionFunctionAssociation.Id': smallConfig({ ConnectionFunctionAssociation: { Id: 'x' } }),
  'CacheTagConfig.HeaderName': smallConfig({ CacheTagConfig: { HeaderName: 'x' } }),
  IsIPV6Enabled: smallConfig({ IsIPV6Enabled: false }),
  'Logging.Enabled': smallConfig({
    Logging: { Enabled: true, IncludeCookies: false, Bucket: 'logs.s3.amazonaws.com', Prefix: '' },
  }),
  'Origins.Items.ResponseCompletionTimeout': withOrigin({ ResponseCompletionTimeout: 60 }),
  'Origins.Items.VpcOriginConfig': withOrigin({ VpcOriginConfig: { VpcOriginId: 'x' } }),
  'Origins.Items.CustomOriginConfig.OriginMtlsConfig': withOrigin({
    CustomOriginConfig: { ...custom, OriginMtlsConfig: { ClientCertificateArn: 'x' } },
  }),
  'Origins.Items.CustomOriginConfig.IpAddressType': withOrigin({
    CustomOriginConfig: { ...custom, IpAddressType: 'ipv6' },
  }),
  'Origins.Items.S3OriginConfig.OriginReadTimeout': {
    ...smallConfig(),
    Origins: {
      Quantity: 1,
      Items: [
        {
          Id: 'site',
          DomainName: 'media.s3.amazonaws.com',
          S3OriginConfig: { OriginAccessIdentity: '', OriginReadTimeout: 60 },
        },
      ],
    },
  },
  'OriginGroups.Items.SelectionCriteria': smallConfig({
    OriginGroups: {
      Quantity: 1,
      Items: [
        {
          Id: 'group',
          FailoverCriteria: { StatusCodes: { Quantity: 1, Items: [500] } },
          Members: { Quantity: 2, Items: [{ OriginId: 'site' }, { OriginId: 'other' }] },
          SelectionCriteria: 'media-quality-based',
        },
      ],
    },
  }),
  TrustedSigners: withBehaviour({ TrustedSigners: { Enabled: true, Quantity: 1, Items: ['self'] } }),
  SmoothStreaming: withBehaviour({ SmoothStreaming: true }),
  RealtimeLogConfigArn: withBehaviour({ RealtimeLogConfigArn: 'x' }),
  GrpcConfig: withBehaviour({ GrpcConfig: { Enabled: true } }),
}

function exampleOf(setting: string): DistributionConfig | undefined {
  return EXAMPLES[setting.replace(/^DefaultCacheBehavior\./, '')]
}

const rows = [...SETTINGS].filter(([setting]) => !setting.startsWith('CacheBehaviors.'))

describe('every setting of a distribution', () => {
  test('is named in the table of what becomes of it', () => {
    expect(all.length).toBeGreaterThan(120)
    expect(all.filter(setting => settingOf(setting) === undefined)).toEqual([])
  })

  test('stands there under a name that it has', () => {
    const named = (row: string): boolean => all.some(each => each === row || each.startsWith(`${row}.`))
    expect([...SETTINGS.keys()].filter(row => !named(row))).toEqual([])
  })

  test.each(rows.filter(([, { how }]) => how === 'refused').map(([setting]) => setting))(
    'is refused where the table says so: %s',
    setting => {
      const example = exampleOf(setting)
      if (example === undefined) throw new Error(`there is no example of ${setting}`)
      const found = new Findings()
      readDistributionConfig(example, undefined, found)
      expect(found.refusals.length).toBeGreaterThan(0)
    },
  )

  test.each(
    rows
      .filter(
        ([setting, { how }]) => how === 'kept' && !/^(?:ViewerCertificate|Logging\.(?!E))/.test(setting),
      )
      .map(([setting]) => setting),
  )('is kept with a notice where the table says so: %s', setting => {
    const example = exampleOf(setting)
    if (example === undefined) throw new Error(`there is no example of ${setting}`)
    const found = new Findings()
    readDistributionConfig(example, undefined, found)
    expect(found).toMatchObject({ refusals: [] })
    expect(found.notices).toEqual([
      expect.stringContaining(setting.replace('.Enabled', '').split('.').at(-1) ?? ''),
    ])
  })

  test('is read without a notice or refusal where nothing is set', () => {
    const found = new Findings()
    readDistributionConfig(smallConfig(), undefined, found)
    expect(found).toMatchObject({ notices: [], refusals: [] })
  })
})
