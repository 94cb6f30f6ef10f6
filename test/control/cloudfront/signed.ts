import { SignatureV4 } from '@smithy/signature-v4'
import type { AccessKey } from '../../../src/signing/index.ts'
import { Sha256 } from '../../signing/sha256.ts'

export interface Wanted {
  method?: string
  /** Path and query. */
  target?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  service?: string
  /** Epoch milliseconds; now where it is left out. */
  at?: number
}

export interface SignedInit extends RequestInit {
  headers: Record<string, string>
}

/** Of a request to `url`, by AWS's own signer. */
export async function sign(url: string, key: AccessKey, wanted: Wanted): Promise<SignedInit> {
  const {
    method = 'GET',
    target = '/2020-05-31/distribution',
    body,
    headers,
    service = 'cloudfront',
  } = wanted
  const { hostname, host, pathname, searchParams } = new URL(target, url)
  const signer = new SignatureV4({
    credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
    ...{ region: 'us-east-1', service, sha256: Sha256 },
  })
  const request = await signer.sign(
    {
      ...{ method, protocol: 'http:', hostname, path: pathname, body },
      ...{ query: Object.fromEntries(searchParams), headers: { ...headers, host } },
    },
    { signingDate: new Date(wanted.at ?? Date.now()) },
  )
  return { method, headers: request.headers, body: body === undefined ? null : Buffer.from(body) }
}

/** What was answered, as far as it says something. */
export interface Told {
  status: number
  code: string | undefined
  message: string | undefined
}

export async function told(response: Response): Promise<Told> {
  const text = await response.text()
  const [, code] = /<Code>(.*)<\/Code>/.exec(text) ?? []
  const [, message] = /<Message>(.*)<\/Message>/.exec(text) ?? []
  return { status: response.status, code, message }
}
