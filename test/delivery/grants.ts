import { instant } from '../../src/core/index.ts'
import { createSigner, signCookies } from '../../src/signing/index.ts'
import { KEY_ID, keys } from './edge-bench.ts'

const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** One grant in each form in which a viewer may carry it. */
export interface Grant {
  policy: string
  signature: string
  /** Without `?`. */
  query: string
  /** `/~…`, before a path. */
  token: string
  /** A Cookie header. */
  cookie: string
}

/** Grants for a resource; with `seconds` of their own they are different ones. */
export function grantFor(
  resource: string,
  options: { seconds?: number; hash?: 'sha1' | 'sha256' } = {},
): Grant {
  const { seconds = 600, hash = 'sha256' } = options
  const signed = signCookies(createSigner(privateKey, KEY_ID, { hash }), {
    resource,
    expires: instant(Date.now() + 1000 * seconds),
  })
  const pairs = Object.entries(signed) as [string, string][] // an optional field is there or not
  const policy = signed['CloudFront-Policy']
  const signature = signed['CloudFront-Signature']
  return {
    ...{ policy, signature },
    query: pairs.map(([name, value]) => `${name.slice('CloudFront-'.length)}=${value}`).join('&'),
    token: `/~${policy}.${signature}.${KEY_ID}`,
    cookie: pairs.map(([name, value]) => `${name}=${value}`).join('; '),
  }
}
