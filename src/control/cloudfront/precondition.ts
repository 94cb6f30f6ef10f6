import { CloudFrontError } from './operation.ts'

/** Nobody overwrites what he has not seen. Two who have seen the same state: the second is told that it is gone. */
export function checkIfMatch(given: string | undefined, etag: string): void {
  const asked = (given ?? '').replace(/^"(.*)"$/, '$1')
  if (asked === '')
    throw new CloudFrontError(
      'InvalidIfMatchVersion',
      'If-Match is missing: send the ETag that came with the newest answer',
    )
  if (asked !== etag)
    throw new CloudFrontError(
      'PreconditionFailed',
      'this has been changed since: read it again, and send the ETag that comes with it',
    )
}
