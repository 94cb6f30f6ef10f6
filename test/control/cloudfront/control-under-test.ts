import type { CloudFrontClient } from '@aws-sdk/client-cloudfront'
import type { Scope } from '../../../src/client/index.ts'
import { ControlFixture } from '../fixture.ts'
import { cloudFrontOf } from './sdk.ts'

/** A control, and AWS's client for it with a key of its own. */
export interface UnderTest {
  control: ControlFixture
  cloudFront: CloudFrontClient
}

export async function openControl(): Promise<UnderTest> {
  const control = await ControlFixture.open()
  return { control, cloudFront: await clientOf(control, ['admin']) }
}

export async function clientOf(control: ControlFixture, scopes: Scope[]): Promise<CloudFrontClient> {
  return cloudFrontOf(control.url, await control.client.createToken({ name: scopes.join('-'), scopes }))
}

/** The name of the error that AWS's client makes of an answer, with its status; undefined when there was none. */
export async function errorOf(asked: Promise<unknown>): Promise<string | undefined> {
  try {
    await asked
    return undefined
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } } // the client's
    return `${name} ${$metadata?.httpStatusCode ?? ''}`
  }
}

/** Edge and origin say that they have applied the newest snapshot, or another version. */
export async function acknowledge(control: ControlFixture, version?: number): Promise<void> {
  for (const node of [control.origin, control.edge]) {
    const now = await control.asNode(node, '/v1/node/snapshot')
    const newest = version === undefined ? now.headers.get('etag') : `"${version}"`
    const epoch = now.headers.get('sluice-epoch') ?? ''
    await now.arrayBuffer()
    const said = await control.asNode(node, '/v1/node/snapshot?wait=0', {
      headers: { 'if-none-match': newest ?? '', 'sluice-epoch': epoch },
    })
    await said.arrayBuffer()
  }
}
