import { CloudFrontClient } from '@aws-sdk/client-cloudfront'
import type { CreatedToken } from '../../../src/client/index.ts'

/** AWS's own client, pointed at a control and tried once. */
export function cloudFrontOf(
  url: string,
  { accessKeyId, secretAccessKey }: Pick<CreatedToken, 'accessKeyId' | 'secretAccessKey'>,
): CloudFrontClient {
  return new CloudFrontClient({
    ...{ region: 'us-east-1', endpoint: url, maxAttempts: 1 },
    credentials: { accessKeyId, secretAccessKey },
  })
}
