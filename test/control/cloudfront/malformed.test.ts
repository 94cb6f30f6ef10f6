import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AccessKey } from '../../../src/signing/index.ts'
import { ControlFixture } from '../fixture.ts'
import { sign, told, type Told } from './signed.ts'

const TOP = 'xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"'
const ORIGIN =
  '<Origin><Id>o</Id><DomainName>site.example</DomainName><CustomOriginConfig><HTTPPort>80</HTTPPort>' +
  '<HTTPSPort>443</HTTPSPort><OriginProtocolPolicy>https-only</OriginProtocolPolicy></CustomOriginConfig></Origin>'
const BEHAVIOUR =
  '<DefaultCacheBehavior><TargetOriginId>o</TargetOriginId><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>' +
  '<CachePolicyId>658327ea-f89d-4fab-a63d-7e88639e58f6</CachePolicyId></DefaultCacheBehavior>'

/** A distribution as a client writes it, with what is put before its end. */
function document(reference: string, { quantity = 1, more = '', top = TOP } = {}): string {
  return (
    `<DistributionConfig ${top}><CallerReference>${reference}</CallerReference><Origins><Quantity>${quantity}</Quantity>` +
    `<Items>${ORIGIN}</Items></Origins>${BEHAVIOUR}<Comment></Comment><Enabled>true</Enabled>${more}</DistributionConfig>`
  )
}

let control: ControlFixture
let key: AccessKey
let good: { id: string; etag: string }

async function send(
  method: string,
  target: string,
  body: string,
  headers = {},
): Promise<Told & { etag: string; text: string }> {
  const response = await fetch(
    `${control.url}${target}`,
    await sign(control.url, key, { method, target, body, headers }),
  )
  const text = await response.clone().text()
  return { ...(await told(response)), etag: response.headers.get('etag') ?? '', text }
}

beforeAll(async () => {
  control = await ControlFixture.open()
  const token = await control.client.createToken({ name: 'malformed', scopes: ['admin'] })
  key = { id: token.accessKeyId, secret: token.secretAccessKey }
  const made = await send('POST', '/2020-05-31/distribution', document('good'))
  expect(made.status).toBe(201)
  const [, id = ''] = /<Id>(E\w+)<\/Id>/.exec(made.text) ?? []
  good = { id, etag: made.etag }
}, 60_000)

afterAll(() => control.end())

const MALFORMED: [string, string, string][] = [
  ['no XML', 'not XML', 'MalformedXML 400'],
  ['cut short', document('x').slice(0, -30), 'MalformedXML 400'],
  ['a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${document('x')}`, 'MalformedXML 400'],
  ['an unknown element', document('x', { more: '<Surprise>1</Surprise>' }), 'MalformedXML 400'],
  ['an element twice', document('x', { more: '<Enabled>false</Enabled>' }), 'MalformedXML 400'],
  ['another document', '<InvalidationBatch></InvalidationBatch>', 'MalformedXML 400'],
  ['a wrong count', document('x', { quantity: 2 }), 'InconsistentQuantities 400'],
  ['a word for a number', document('x').replace('<HTTPPort>80', '<HTTPPort>eighty'), 'MalformedXML 400'],
  ['a member that is missing', document('x').replace('<Enabled>true</Enabled>', ''), 'MalformedXML 400'],
  ['a word that there is not', document('x').replace('allow-all', 'allow-some'), 'InvalidArgument 400'],
  ['a wall that there is not', document('x', { more: '<WebACLId>wall</WebACLId>' }), 'InvalidWebACLId 400'],
]

describe('a document that is wrong', () => {
  test.each(MALFORMED)('makes and changes nothing: %s', async (_, body, refusal) => {
    const state = async (): Promise<unknown> => ({
      distributions: await control.client.distributions(),
      version: (await (await control.asNode(control.edge, '/v1/node/snapshot')).json()) as unknown,
    })
    const before = await state()
    const made = await send('POST', '/2020-05-31/distribution', body)
    expect(`${made.code} ${made.status}`).toBe(refusal)
    const target = `/2020-05-31/distribution/${good.id}/config`
    const changed = await send('PUT', target, body.replace('>x<', '>good<'), { 'if-match': good.etag })
    expect(`${changed.code} ${changed.status}`).toBe(refusal)
    expect(await state()).toEqual(before)
  })

  test('is judged after its entity tag, and a good one is taken', async () => {
    const target = `/2020-05-31/distribution/${good.id}/config`
    const old = await send('PUT', target, document('good'), { 'if-match': 'E0000000000000' })
    expect([old.status, old.code]).toEqual([412, 'PreconditionFailed'])
    const now = await send('PUT', target, document('good', { more: '<WebACLId/>' }), {
      'if-match': good.etag,
    })
    expect(now.status).toBe(200)
  })
})
