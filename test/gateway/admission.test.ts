import { getSignedUrl } from '@aws-sdk/cloudfront-signer'
import { describe, expect, test } from 'vitest'
import { after, epochSeconds, type KeyGroupId } from '../../src/core/index.ts'
import { admit, type Asked } from '../../src/gateway/admission.ts'
import { compileSite } from '../../src/gateway/site.ts'
import { createSigner } from '../../src/signing/index.ts'
import {
  channel,
  grantFor,
  KEY_GROUPS,
  NOW,
  presenter,
  PRESENTER,
  rsa,
  RSA,
  SOON,
  viewer,
  VIEWER,
} from './site.ts'

const STAGE = channel('/live/stage')
const STRICT = channel('/live/strict', { ingest: { keyGroups: ['kg-strict' as KeyGroupId] } })
const SITE = compileSite({ channels: [STAGE, STRICT], keyGroups: KEY_GROUPS })

function asked(query: string, more: Partial<Asked> = {}): Asked {
  return {
    ...{ path: '/live/stage', scheme: 'rtmp', authority: 'media.example:1935', address: '192.0.2.7' },
    query,
    ...more,
  }
}

function wordOf(request: Asked): string {
  const admission = admit(request, SITE, NOW)
  return admission.kind === 'granted' ? `granted ${admission.channel.path}` : admission.reason
}

/** Any resource, signed as a custom policy by the presenter's key. */
function policyFor(resource: string): string {
  const { policy, signature } = createSigner(presenter.privatePem, PRESENTER).sign({
    resource,
    expires: SOON,
  })
  return `Policy=${policy}&Signature=${signature}&Key-Pair-Id=${PRESENTER}&Hash-Algorithm=SHA256`
}

function flipped(query: string): string {
  return query.replace(
    /(Signature=[^&]{20})(.)/,
    (_, head: string, c: string) => head + (c === 'A' ? 'B' : 'A'),
  )
}

describe('a signed encoder may publish', () => {
  test.each<[string, Asked]>([
    ['with a stream key of ours', asked(grantFor('/live/stage'))],
    ['over RTMPS', asked(grantFor('/live/stage'), { scheme: 'rtmps', authority: 'media.example' })],
    ['for its host', asked(grantFor('/live/stage', { host: 'media.example' }))],
    ['from its address', asked(grantFor('/live/stage', { address: '192.0.2.0/24' }))],
    ['with a wildcard below its app', asked(policyFor('rtmp://*/live/*'))],
    ['with a bare stream name', asked(policyFor('live/stage'))],
    ['when the path is escaped', asked(grantFor('/live/stage'), { path: '/live/%73tage' })],
    ['when tcUrl had no host', asked(grantFor('/live/stage'), { authority: '' })],
  ])('%s', (_, request) => expect(wordOf(request)).toBe('granted /live/stage'))
})

describe("what AWS's signer makes of an rtmp: URL publishes", () => {
  const url = 'rtmp://media.example/live/stage'
  const dateLessThan = new Date(SOON).toISOString()
  test.each([
    ['RSA, SHA-1', rsa.privatePem, RSA, undefined],
    ['RSA, SHA-256', rsa.privatePem, RSA, 'SHA256' as const],
    ['P-256, SHA-256', presenter.privatePem, PRESENTER, 'SHA256' as const],
  ])('%s', (_, privateKey, keyPairId, algorithm) => {
    const by = { privateKey, keyPairId, ...(algorithm === undefined ? {} : { algorithm }) }
    for (const signed of [
      getSignedUrl({ ...by, url, dateLessThan }),
      getSignedUrl({ ...by, url, dateLessThan, ipAddress: '192.0.2.0/24' }),
    ]) {
      const [path, query = ''] = signed.split('?')
      expect(`/${path?.replace(/^rtmp:\/\/[^/]+\//, '')}`).toBe('/live/stage')
      expect(wordOf(asked(query))).toBe('granted /live/stage')
      expect(wordOf(asked(query, { path: '/live/strict' }))).not.toMatch('granted')
    }
  })
})

describe('everybody else is told why not, the first reason of several', () => {
  const before = after(NOW, -1000)
  test.each<[string, string, Asked]>([
    ['no signature', 'missing', asked('')],
    ['another parameter only', 'missing', asked('token=1')],
    ['half a signature', 'malformed', asked(`${grantFor('/live/stage').replace(/Signature=[^&]*&/, '')}`)],
    ['a signature twice', 'malformed', asked(`${grantFor('/live/stage')}&${grantFor('/live/stage')}`)],
    ["a viewer's key", 'unknown-key', asked(grantFor('/live/stage', { pair: viewer, id: VIEWER }))],
    ['one bit changed', 'bad-signature', asked(flipped(grantFor('/live/stage')))],
    ['another path', 'wrong-resource', asked(grantFor('/live/other'))],
    ['another host', 'wrong-resource', asked(grantFor('/live/stage', { host: 'other.example' }))],
    ['an http resource', 'wrong-resource', asked(policyFor('http://media.example/live/stage'))],
    ['a resource for any scheme', 'wrong-action', asked(policyFor('*://*/live/*'))],
    ['a bare *', 'wrong-action', asked(policyFor('*'))],
    ['an old one', 'expired', asked(grantFor('/live/stage', { expires: before }))],
    ['an early one', 'not-yet', asked(grantFor('/live/stage', { notBefore: after(NOW, 1000) }))],
    ['another address', 'wrong-ip', asked(grantFor('/live/stage', { address: '198.51.100.0/24' }))],
    ['another path and old', 'wrong-resource', asked(grantFor('/live/other', { expires: before }))],
    ['a channel that is not there', 'no-channel', asked(grantFor('/live/no'), { path: '/live/no' })],
    ['no channel and no signature', 'missing', asked('', { path: '/live/no' })],
    [
      'no channel and an old one',
      'expired',
      asked(grantFor('/live/no', { expires: before }), { path: '/live/no' }),
    ],
    ['dots in the path', 'bad-path', asked(grantFor('/live/stage'), { path: '/live/../stage' })],
    ['no stream', 'no-channel', asked(policyFor('rtmp://*/live'), { path: '/live' })],
  ])('%s: %s', (_, reason, request) => expect(wordOf(request)).toBe(reason))

  test('SHA-1 where the group refuses it', () => {
    const dateLessThan = new Date(SOON).toISOString()
    const by = { privateKey: rsa.privatePem, keyPairId: RSA, dateLessThan }
    const [, query = ''] = getSignedUrl({ ...by, url: 'rtmp://h/live/strict' }).split('?')
    expect(wordOf(asked(query, { path: '/live/strict' }))).toBe('weak-hash')
  })
})

test('a grant that is signed until a second is good until that second', () => {
  const query = grantFor('/live/stage', { expires: SOON })
  expect(epochSeconds(SOON) * 1000).toBe(SOON)
  expect(admit(asked(query), SITE, after(SOON, -1)).kind).toBe('granted')
  expect(admit(asked(query), SITE, SOON)).toMatchObject({ kind: 'refused', reason: 'expired' })
})

test('a key that cannot be read opens nothing and is named', () => {
  const [first] = KEY_GROUPS
  const broken = {
    ...first,
    keys: first?.keys.map(key => ({ ...key, pem: 'none' })) ?? [],
  } as (typeof KEY_GROUPS)[0] // the list is not empty
  const bad = compileSite({ channels: [STAGE], keyGroups: [broken] })
  expect(bad.unusable).toEqual([PRESENTER, RSA])
  expect(admit(asked(grantFor('/live/stage')), bad, NOW)).toMatchObject({ reason: 'unknown-key' })
})

test('without a group of the name default, an unknown channel is refused for its key', () => {
  const none = compileSite({ channels: [], keyGroups: [] })
  expect(admit(asked(grantFor('/live/stage')), none, NOW)).toMatchObject({ reason: 'unknown-key' })
})
