import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askBytes } from '../e2e/origin-visitor.ts'
import { cleanEnvironment, startSluice, temporaryFolder, type Sluice } from '../e2e/sluice.ts'

/** The first of these that runs; Debian's packages come first. */
function found(programs: readonly string[], args: readonly string[]): string | undefined {
  return programs.find(program => {
    try {
      execFileSync(program, args, { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

const aws = found(['/usr/bin/aws', 'aws'], ['--version'])
const python = found(['/usr/bin/python3', 'python3'], ['-c', 'import botocore.signers'])
if (aws === undefined)
  console.log('skipped          test/full/awscli.test.ts: there is no aws (apt-get install awscli)')
if (python === undefined)
  console.log(
    'skipped          the signer of test/full/awscli.test.ts: there is no botocore (apt-get install python3-botocore)',
  )

const folder = temporaryFolder('awscli')
let sluice: Sluice
let origin: Server
let environment: NodeJS.ProcessEnv
let endpoint: string

/** One command of `aws cloudfront`; what it printed, read. */
function cloudfront<T>(...args: string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const all = ['--endpoint-url', endpoint, '--output', 'json', 'cloudfront', ...args]
    execFile(aws ?? '', all, { env: environment }, (error, stdout, stderr) => {
      if (error) reject(new Error(`aws ${args[0]}: ${stderr.trim()}`))
      else resolve((stdout.trim() === '' ? undefined : JSON.parse(stdout)) as T) // as AWS documents it
    })
  })
}

function fileOf(name: string, value: unknown): string {
  const file = path.join(folder, name)
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
  return `file://${file}`
}

interface Answered<Name extends string, T = { Id: string }> {
  value: Record<Name, T> & { ETag: string }
}

type Made<Name extends string, T = { Id: string }> = Answered<Name, T>['value']

beforeAll(async () => {
  origin = createServer((request, response) => {
    response.setHeader('cache-control', 'max-age=3600')
    response.end(`origin: ${request.url}`)
  })
  origin.listen(0, '127.0.0.1')
  await once(origin, 'listening')
  sluice = await startSluice({ args: ['--allow-origin', '127.0.0.1/32'] })
  const { json: env } = await sluice.cli<Record<string, string>>('env')
  // Nothing of the person who runs this.
  environment = cleanEnvironment({ ...env, HOME: folder, AWS_PAGER: '', AWS_EC2_METADATA_DISABLED: 'true' })
  endpoint = env['AWS_ENDPOINT_URL'] ?? ''
}, 120_000)

afterAll(async () => {
  await sluice.close()
  origin.close()
})

describe.skipIf(aws === undefined)('Debian’s aws', () => {
  let id = ''
  let host = ''
  let config: Record<string, unknown> = {}

  const siteConfig = (more: object = {}): Record<string, unknown> => ({
    ...{ CallerReference: 'awscli', Comment: 'by aws', Enabled: true },
    Origins: {
      Quantity: 1,
      Items: [
        {
          ...{ Id: 'site', DomainName: '127.0.0.1' },
          CustomOriginConfig: {
            HTTPPort: (origin.address() as AddressInfo).port, // it listens
            ...{ HTTPSPort: 443, OriginProtocolPolicy: 'http-only' },
          },
        },
      ],
    },
    DefaultCacheBehavior: {
      ...{ TargetOriginId: 'site', ViewerProtocolPolicy: 'allow-all', MinTTL: 0 },
      ForwardedValues: { QueryString: false, Cookies: { Forward: 'none' } },
    },
    ...more,
  })

  test('makes a distribution and waits until it is deployed', async () => {
    const made = await cloudfront<Made<'Distribution', { Id: string; DomainName: string }>>(
      ...['create-distribution', '--distribution-config', fileOf('site.json', siteConfig())],
    )
    id = made.Distribution.Id
    host = made.Distribution.DomainName
    await cloudfront('wait', 'distribution-deployed', '--id', id)
    const { port } = new URL(sluice.ready.http)
    expect((await askBytes(`http://${host}:${port}/a`)).body.toString()).toBe('origin: /a')
  }, 180_000)

  test('invalidates and waits until it is completed', async () => {
    const made = await cloudfront<Made<'Invalidation'>>(
      ...['create-invalidation', '--distribution-id', id, '--paths', '/a*', '/live/a b.m3u8'],
    )
    const invalidation = made.Invalidation.Id
    await cloudfront('wait', 'invalidation-completed', '--distribution-id', id, '--id', invalidation)
    const { port } = new URL(sluice.ready.http)
    expect((await askBytes(`http://${host}:${port}/a`)).headers['x-cache']).toBe('Miss from sluice')
  }, 180_000)

  test('reads, changes, tags and lists', async () => {
    const read = await cloudfront<Made<'DistributionConfig', Record<string, unknown>>>(
      ...['get-distribution-config', '--id', id],
    )
    config = { ...read.DistributionConfig, Comment: 'changed by aws' }
    const updating = ['update-distribution', '--id', id, '--distribution-config', fileOf('next.json', config)]
    await cloudfront(...updating, '--if-match', read.ETag)
    await expect(cloudfront(...updating, '--if-match', read.ETag)).rejects.toThrow('PreconditionFailed')
    const arn = `arn:aws:cloudfront::000000000000:distribution/${id}`
    await cloudfront('tag-resource', '--resource', arn, '--tags', 'Items=[{Key=env,Value=test}]')
    const tags = await cloudfront<unknown>('list-tags-for-resource', '--resource', arn)
    expect(tags).toEqual({ Tags: { Items: [{ Key: 'env', Value: 'test' }] } })
    const list = await cloudfront<{ DistributionList: { Items: { Id: string; Comment: string }[] } }>(
      'list-distributions',
    )
    expect(list.DistributionList.Items).toContainEqual(
      expect.objectContaining({ Id: id, Comment: 'changed by aws' }),
    )
  }, 120_000)

  test('makes keys, groups, policies and functions', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const EncodedKey = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const key = await cloudfront<Made<'PublicKey'>>(
      ...['create-public-key', '--public-key-config'],
      fileOf('key.json', { CallerReference: 'k', Name: 'k', EncodedKey }),
    )
    const group = await cloudfront<Made<'KeyGroup'>>(
      ...['create-key-group', '--key-group-config', `Name=g,Items=${key.PublicKey.Id}`],
    )
    const policies = await cloudfront<{ CachePolicyList: { Items: { Type: string }[] } }>(
      ...['list-cache-policies', '--type', 'managed'],
    )
    expect(policies.CachePolicyList.Items.length).toBeGreaterThan(3)
    const code = path.join(folder, 'f.js')
    writeFileSync(code, 'function handler(event) { return event.request }')
    const made = await cloudfront<Made<'FunctionSummary', object>>(
      ...['create-function', '--name', 'f', '--function-code', `fileb://${code}`],
      ...['--function-config', 'Comment=c,Runtime=cloudfront-js-1.0'],
    )
    await cloudfront('publish-function', '--name', 'f', '--if-match', made.ETag)
    await cloudfront('delete-function', '--name', 'f', '--if-match', made.ETag)
    await cloudfront('delete-key-group', '--id', group.KeyGroup.Id, '--if-match', group.ETag)
    await cloudfront('delete-public-key', '--id', key.PublicKey.Id, '--if-match', key.ETag)
  }, 120_000)

  test('is told what is wrong in CloudFront’s words', async () => {
    const wrong = fileOf('wrong.json', siteConfig({ CallerReference: 'wrong', WebACLId: 'x' }))
    await expect(cloudfront('create-distribution', '--distribution-config', wrong)).rejects.toThrow(
      'InvalidWebACLId',
    )
    await expect(cloudfront('get-distribution', '--id', 'E0NOTTHERE000')).rejects.toThrow(
      'NoSuchDistribution',
    )
    await expect(cloudfront('list-vpc-origins')).rejects.toThrow()
  }, 60_000)

  test('switches off and deletes', async () => {
    const read = await cloudfront<{ ETag: string }>('get-distribution', '--id', id)
    const off = fileOf('off.json', { ...config, Enabled: false })
    const updated = await cloudfront<{ ETag: string }>(
      ...['update-distribution', '--id', id, '--distribution-config', off, '--if-match', read.ETag],
    )
    await cloudfront('wait', 'distribution-deployed', '--id', id)
    await cloudfront('delete-distribution', '--id', id, '--if-match', updated.ETag)
    await expect(cloudfront('get-distribution', '--id', id)).rejects.toThrow('NoSuchDistribution')
  }, 180_000)
})

/** Signs by openssl, as the documentation of botocore leaves it to its users. */
const SIGNER = `
import datetime, subprocess, sys
from botocore.signers import CloudFrontSigner
def sign(message):
    return subprocess.run(['openssl', 'dgst', '-sha1', '-sign', sys.argv[2]], input=message, stdout=subprocess.PIPE, check=True).stdout
signer = CloudFrontSigner(sys.argv[1], sign)
print(signer.generate_presigned_url(sys.argv[3], date_less_than=datetime.datetime(2038, 1, 1)))
`

describe.skipIf(python === undefined)('botocore’s CloudFrontSigner', () => {
  test('signs URLs that open what its key opens', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const [pem, key] = [path.join(folder, 'signer.pem'), path.join(folder, 'signer.key')]
    writeFileSync(pem, publicKey.export({ type: 'spki', format: 'pem' }))
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const imported = await sluice.cli<{ id: string }>('keys', 'import', 'botocore', pem)
    expect(imported.code, imported.stderr).toBe(0)
    const { port } = new URL(sluice.ready.http)
    const url = `http://${sluice.ready.distribution.domain}:${port}/members/none.txt`
    const signed = execFileSync(python ?? '', ['-c', SIGNER, imported.json.id, key, url])
      .toString()
      .trim()
    expect((await askBytes(url)).headers['x-sluice-reason']).toBe('missing')
    // There is nothing, and that is told to those alone who are let in.
    expect((await askBytes(signed)).status).toBe(404)
  }, 60_000)
})
