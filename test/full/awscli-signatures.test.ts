// needs: aws [awscli]
import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ControlFixture } from '../control/fixture.ts'

let control: ControlFixture
let env: Record<string, string>

beforeAll(async () => {
  control = await ControlFixture.open()
  const made = await control.client.createToken({ name: 'of the command line', scopes: ['read'] })
  env = {
    ...{
      PATH: process.env['PATH'] ?? '',
      HOME: control.root,
      AWS_PAGER: '',
      AWS_DEFAULT_REGION: 'us-east-1',
    },
    ...{ AWS_ACCESS_KEY_ID: made.accessKeyId, AWS_SECRET_ACCESS_KEY: made.secretAccessKey },
  }
})

afterAll(() => control.end())

/** What AWS's command line prints; versions before 2.13 know no AWS_ENDPOINT_URL. */
function aws(args: string[], more: Record<string, string> = {}): Promise<string> {
  return new Promise(resolve => {
    const all = ['--endpoint-url', control.url, ...args]
    execFile('aws', all, { env: { ...env, ...more } }, (_error, stdout, stderr) =>
      resolve((stdout + stderr).trim()),
    )
  })
}

test('its signatures are found good, and it reads who it is', async () => {
  expect(JSON.parse(await aws(['sts', 'get-caller-identity', '--output', 'json']))).toEqual({
    UserId: env['AWS_ACCESS_KEY_ID'],
    Account: '000000000000',
    Arn: 'arn:aws:iam::000000000000:user/of-the-command-line',
  })
})

test.each<[string, string[], Record<string, string>, string]>([
  [
    'what it may not',
    ['create-invalidation', '--distribution-id', 'E1', '--paths', '/é b/*'],
    {},
    'An error occurred (AccessDenied) when calling the CreateInvalidation operation: this access key may not ' +
      'CreateInvalidation: that needs the scope "purge", and its token has read',
  ],
  [
    'another secret',
    ['list-functions'],
    { AWS_SECRET_ACCESS_KEY: 'x' },
    'An error occurred (SignatureDoesNotMatch) when calling the ListFunctions operation: the signature is not that ' +
      'of this request: check the secret access key, and how it is signed',
  ],
  [
    'a session token',
    ['list-functions'],
    { AWS_SESSION_TOKEN: 'x' },
    'An error occurred (InvalidClientTokenId) when calling the ListFunctions operation: temporary credentials are ' +
      'unknown here: use an access key alone',
  ],
])('it is told of %s', async (_, args, more, message) => {
  expect(await aws(['cloudfront', ...args], more)).toContain(message)
})
