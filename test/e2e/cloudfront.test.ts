import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as api from '@aws-sdk/client-cloudfront'
import { getSignedCookies } from '@aws-sdk/cloudfront-signer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askBytes, cookieLine, type BytesAnswer } from './origin-visitor.ts'
import { startSluice, type Sluice } from './sluice.ts'

const ALIAS = 'story.example.test'

let sluice: Sluice
let origin: Server
let client: api.CloudFrontClient
/** What the origin was asked for, the newest last. */
const asked: string[] = []

beforeAll(async () => {
  origin = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.setHeader('cache-control', 'max-age=3600')
    response.end(`${request.url} by ${String(request.headers['x-secret'])}`)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  sluice = await startSluice({ args: ['--allow-origin', '127.0.0.1/32'] })
  const { json: env } = await sluice.cli<Record<string, string>>('env')
  client = new api.CloudFrontClient({
    ...{ endpoint: env['AWS_ENDPOINT_URL'] ?? '', region: env['AWS_REGION'] ?? '', maxAttempts: 1 },
    credentials: {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  })
}, 120_000)

afterAll(async () => {
  await sluice.close()
  origin.close()
})

function view(path: string, headers: Record<string, string> = {}): Promise<BytesAnswer> {
  const { port } = new URL(sluice.ready.http)
  return askBytes(`http://${ALIAS}:${port}${path}`, headers)
}

/** How the client waits: it looks at once, and then each second. */
function waiting(): {
  client: api.CloudFrontClient
  minDelay: number
  maxDelay: number
  maxWaitTime: number
} {
  return { client, minDelay: 1, maxDelay: 1, maxWaitTime: 60 }
}

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

describe('a distribution through AWS’s own client, at real nodes', () => {
  let id = ''
  let etag: string | undefined
  let config: api.DistributionConfig | undefined
  let keyId = ''

  const update = async (change: Partial<api.DistributionConfig>): Promise<void> => {
    if (config === undefined) throw new Error('there is none yet')
    const answer = await client.send(
      new api.UpdateDistributionCommand({
        Id: id,
        IfMatch: etag,
        DistributionConfig: { ...config, ...change },
      }),
    )
    etag = answer.ETag
    config = answer.Distribution?.DistributionConfig
    await api.waitUntilDistributionDeployed(waiting(), { Id: id })
  }

  test('is made, deployed, and serves by its policy', async () => {
    const { PublicKey: key } = await client.send(
      new api.CreatePublicKeyCommand({
        PublicKeyConfig: { CallerReference: 'story', Name: 'story', EncodedKey: publicKey },
      }),
    )
    keyId = key?.Id ?? ''
    const { KeyGroup: group } = await client.send(
      new api.CreateKeyGroupCommand({ KeyGroupConfig: { Name: 'story', Items: [keyId] } }),
    )
    const { CachePolicy: policy } = await client.send(
      new api.CreateCachePolicyCommand({
        CachePolicyConfig: {
          ...{ Name: 'story', MinTTL: 0, DefaultTTL: 60, MaxTTL: 3600 },
          ParametersInCacheKeyAndForwardedToOrigin: {
            EnableAcceptEncodingGzip: false,
            HeadersConfig: { HeaderBehavior: 'none' },
            CookiesConfig: { CookieBehavior: 'none' },
            QueryStringsConfig: {
              QueryStringBehavior: 'whitelist',
              QueryStrings: { Quantity: 1, Items: ['v'] },
            },
          },
        },
      }),
    )
    const behaviour = {
      ...{ TargetOriginId: 'site', ViewerProtocolPolicy: 'allow-all' as const },
      ...{ CachePolicyId: policy?.Id, Compress: false },
    }
    const made = await client.send(
      new api.CreateDistributionCommand({
        DistributionConfig: {
          ...{ CallerReference: 'story', Comment: '', Enabled: true },
          Aliases: { Quantity: 1, Items: [ALIAS] },
          Origins: {
            Quantity: 1,
            Items: [
              {
                ...{ Id: 'site', DomainName: '127.0.0.1' },
                CustomHeaders: {
                  Quantity: 1,
                  Items: [{ HeaderName: 'X-Secret', HeaderValue: 'the edge' }],
                },
                CustomOriginConfig: {
                  HTTPPort: (origin.address() as AddressInfo).port, // it listens
                  ...{ HTTPSPort: 443, OriginProtocolPolicy: 'http-only' },
                },
              },
            ],
          },
          DefaultCacheBehavior: behaviour,
          CacheBehaviors: {
            Quantity: 1,
            Items: [
              {
                ...{ ...behaviour, PathPattern: '/members/*' },
                TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: [group?.Id ?? ''] },
              },
            ],
          },
        },
      }),
    )
    id = made.Distribution?.Id ?? ''
    etag = made.ETag
    config = made.Distribution?.DistributionConfig
    await api.waitUntilDistributionDeployed(waiting(), { Id: id })
    const first = await view('/a?v=1&x=2')
    expect([first.status, first.body.toString()]).toEqual([200, '/a?v=1 by the edge'])
    const second = await view('/a?v=1&x=3')
    expect(second.headers['x-cache']).toBe('Hit from sluice')
    expect(asked).toEqual(['/a?v=1'])
  }, 120_000)

  test('lets in whom its key group lets in', async () => {
    const refused = await view('/members/film')
    expect([refused.status, refused.headers['x-sluice-reason']]).toEqual([403, 'missing'])
    const { port } = new URL(sluice.ready.http)
    const cookies = getSignedCookies({
      ...{ keyPairId: keyId, privateKey },
      policy: JSON.stringify({
        Statement: [
          {
            Resource: `http://${ALIAS}:${port}/members/*`,
            Condition: { DateLessThan: { 'AWS:EpochTime': Math.floor(Date.now() / 1000) + 600 } },
          },
        ],
      }),
    })
    const line = cookieLine(
      Object.fromEntries(Object.entries(cookies).map(([name, value]) => [name, String(value)])),
    )
    const shown = await view('/members/film', { cookie: line })
    expect([shown.status, shown.body.toString()]).toEqual([200, '/members/film by the edge'])
  })

  test('is changed, and serves as it is changed', async () => {
    const [site] = config?.Origins?.Items ?? []
    if (site === undefined) throw new Error('it has an origin')
    await update({
      ...{
        Origins: { Quantity: 1, Items: [{ ...site, OriginPath: '/next' }] },
        DefaultRootObject: 'index.html',
      },
    })
    expect((await view('/')).body.toString()).toBe('/next/index.html by the edge')
    expect((await view('/b')).body.toString()).toBe('/next/b by the edge')
  }, 60_000)

  test('is invalidated, and what was stored is asked for again', async () => {
    expect((await view('/a?v=1')).headers['x-cache']).toBe('Hit from sluice')
    const { Invalidation: invalidation } = await client.send(
      new api.CreateInvalidationCommand({
        DistributionId: id,
        InvalidationBatch: { CallerReference: 'story', Paths: { Quantity: 1, Items: ['/a*'] } },
      }),
    )
    await api.waitUntilInvalidationCompleted(waiting(), { DistributionId: id, Id: invalidation?.Id })
    expect((await view('/a?v=1')).headers['x-cache']).toBe('Miss from sluice')
  }, 60_000)

  test('stops when it is switched off, also for what is stored, and is deleted then', async () => {
    await update({ Enabled: false })
    const off = await view('/a?v=1')
    expect([off.status, off.headers['x-sluice-reason']]).toEqual([403, 'unknown-host'])
    await client.send(new api.DeleteDistributionCommand({ Id: id, IfMatch: etag }))
    await expect(client.send(new api.GetDistributionCommand({ Id: id }))).rejects.toThrow(
      api.NoSuchDistribution,
    )
    const list = await sluice.cli<{ distributions: { id: string }[] }>('distribution', 'list')
    expect(JSON.stringify(list.json)).not.toContain(id)
  }, 60_000)
})
