import { CloudFrontClient } from '@aws-sdk/client-cloudfront'
import type { Sent } from './cloudfront.ts'

/** What the client's parts say of themselves; its own types hide them. */
interface Serialised {
  method: string
  path: string
  query: Record<string, string | string[] | null>
  headers: Record<string, string>
  body?: string | Uint8Array
}

/** Its overloads have one for each operation, and no type for all. */
type Command = Parameters<CloudFrontClient['send']>[0]

class Caught extends Error {}

/** A request as AWS's own client writes it; nothing leaves this process. */
export async function serialised(command: object): Promise<Sent> {
  let caught: Serialised | undefined
  const client = new CloudFrontClient({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
    maxAttempts: 1,
    requestHandler: {
      handle(request: Serialised) {
        caught = request
        return Promise.reject(new Caught())
      },
    } as never, // a handler that answers nothing
  })
  await client.send(command as Command).catch((error: unknown) => {
    if (!(error instanceof Caught)) throw error
  })
  if (!caught) throw new Error('the client sent nothing')
  const query = Object.entries(caught.query)
    .flatMap(([name, value]) => [value ?? ''].flat().map(each => [name, each]))
    .map(pair => pair.map(each => encodeURIComponent(each ?? '')).join('='))
    .join('&')
  return {
    method: caught.method,
    target: query === '' ? caught.path : `${caught.path}?${query}`,
    headers: caught.headers,
    body: caught.body ?? '',
  }
}
