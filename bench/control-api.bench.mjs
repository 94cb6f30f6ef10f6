// What CloudFront's API costs control beside the work itself: signature, reading and checking by the model, and writing the
// answer, for a distribution of 3 KB, in this process. Then the same over HTTP, from AWS's own client. RUNS=2000 changes
// the load.
import { createHash, createHmac } from 'node:crypto'
import http from 'node:http'
import { CloudFrontClient, CreateDistributionCommand } from '@aws-sdk/client-cloudfront'
import { SignatureV4 } from '@smithy/signature-v4'
import { answerSigned } from '../dist/control/cloudfront/answering.js'
import { loadModel } from '../dist/control/cloudfront/model.js'
import { findRoute, readInput, readQuery, routeTable, writeOutput } from '../dist/restxml/index.js'
import { isSignedBy, newAccessKey, readSignature } from '../dist/signing/index.js'
import { quantile, report } from './running.mjs'

const RUNS = Number(process.env.RUNS ?? 2000)
const key = newAccessKey()
const credentials = { accessKeyId: key.id, secretAccessKey: key.secret }

const behaviour = {
  TargetOriginId: 'packager',
  ViewerProtocolPolicy: 'redirect-to-https',
  TrustedKeyGroups: { Enabled: true, Quantity: 1, Items: ['kg-1'] },
  AllowedMethods: {
    ...{ Quantity: 2, Items: ['HEAD', 'GET'] },
    CachedMethods: { Quantity: 2, Items: ['HEAD', 'GET'] },
  },
  Compress: true,
  CachePolicyId: '658327ea-f89d-4fab-a63d-7e88639e58f6',
}
const DistributionConfig = {
  ...{ CallerReference: 'ref-1', Comment: 'films', Enabled: true, PriceClass: 'PriceClass_All' },
  Aliases: { Quantity: 1, Items: ['media.example.test'] },
  Origins: {
    Quantity: 1,
    Items: [
      {
        ...{ Id: 'packager', DomainName: 'origin.example.test', OriginPath: '' },
        CustomOriginConfig: {
          ...{ HTTPPort: 80, HTTPSPort: 443, OriginProtocolPolicy: 'http-only' },
          OriginSslProtocols: { Quantity: 1, Items: ['TLSv1.2'] },
        },
      },
    ],
  },
  DefaultCacheBehavior: behaviour,
  CacheBehaviors: {
    Quantity: 3,
    Items: ['*.m3u8', '/members/*', '/api/*'].map(PathPattern => ({ ...behaviour, PathPattern })),
  },
  Restrictions: { GeoRestriction: { RestrictionType: 'whitelist', Quantity: 2, Items: ['DE', 'FR'] } },
}

class Sha256 {
  constructor(secret) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', Buffer.from(secret))
  }
  update(data) {
    this.hash.update(data)
  }
  digest() {
    return Promise.resolve(this.hash.digest())
  }
}

const model = await loadModel()
const table = routeTable(model)
const PATH = '/2020-05-31/distribution'
const { body } = writeOutput(model, model.operations.GetDistributionConfig, { DistributionConfig })
const signer = new SignatureV4({ credentials, region: 'us-east-1', service: 'cloudfront', sha256: Sha256 })
const signed = await signer.sign({
  ...{ method: 'POST', protocol: 'http:', hostname: '127.0.0.1', path: PATH, query: {}, body },
  headers: { host: '127.0.0.1:9000', 'content-type': 'application/xml' },
})
const request = {
  ...{ method: 'POST', target: PATH, fields: Object.entries(signed.headers).flat() },
  body: Buffer.from(body),
}

const parts = {
  signature() {
    const { claim } = readSignature(request, { services: ['cloudfront'], now: Date.now() })
    if (!isSignedBy(request, claim, key.secret)) throw new Error('the signature is not good')
  },
  reading() {
    const query = readQuery('')
    const { operation, labels } = findRoute(table, 'POST', PATH, query)
    return readInput(model, operation, { labels, query, header: () => undefined, body: request.body })
  },
  answer: () => answerOf(DistributionConfig).body.length,
}

function answerOf(config) {
  const distribution = {
    ...{
      Id: 'E1',
      ARN: 'arn',
      Status: 'Deployed',
      LastModifiedTime: new Date(),
      DomainName: 'e1.cdn.localhost',
    },
    ...{ InProgressInvalidationBatches: 0, DistributionConfig: config },
  }
  return writeOutput(model, model.operations.CreateDistribution, { Distribution: distribution, ETag: 'E' })
}

/** Milliseconds of each run, the first ones left away. */
async function timed(work) {
  const took = []
  for (let run = 0; run < RUNS + 200; run++) {
    const began = performance.now()
    await work()
    if (run >= 200) took.push(performance.now() - began)
  }
  return took
}

function tell(name, took) {
  report(`${name}, median`, quantile(took, 0.5), 'ms')
  report(`${name}, 99 of 100`, quantile(took, 0.99), 'ms')
}

report('size of the document', request.body.length, 'bytes')
for (const [name, work] of Object.entries(parts)) tell(name, await timed(work))
tell(
  'signature, reading and answer together (floor 3, goal 1)',
  await timed(() => {
    parts.signature()
    answerOf(parts.reading().DistributionConfig)
  }),
)

const server = http.createServer((incoming, response) => {
  void answerSigned(incoming, response, {
    ...{ service: 'cloudfront', namespace: model.namespace, statusOf: () => 400 },
    callers: { find: () => Promise.resolve({ caller: { scopes: ['admin'] }, secret: key.secret }) },
    clock: { now: () => Date.now() },
    log: { error: console.error },
    answer: verified => Promise.resolve(answerOf(readOver(verified).DistributionConfig)),
  })
})

function readOver({ request: { body: sent }, header }) {
  const { operation, labels } = findRoute(table, 'POST', PATH, [])
  return readInput(model, operation, { labels, query: [], header, body: sent })
}

await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
const endpoint = `http://127.0.0.1:${server.address().port}`
const client = new CloudFrontClient({ region: 'us-east-1', endpoint, credentials })
tell(
  "over HTTP, with AWS's client in the same process",
  await timed(() => client.send(new CreateDistributionCommand({ DistributionConfig }))),
)
client.destroy()
server.close()
