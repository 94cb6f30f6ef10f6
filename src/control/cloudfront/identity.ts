import { escapeXml } from '../../restxml/index.ts'
import { CloudFrontError, type Caller } from './operation.ts'

/** There are no accounts here; tools want twelve digits. */
export const ACCOUNT = '000000000000'

export const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** The one operation of STS: who is it that asks. Terraform begins with it. Throws `InvalidAction` for others. */
export function callerIdentity(body: Uint8Array, caller: Caller, requestId: string): string {
  const action = new URLSearchParams(Buffer.from(body).toString('utf8')).get('Action')
  if (action !== 'GetCallerIdentity')
    throw new CloudFrontError(
      'InvalidAction',
      `STS does GetCallerIdentity here, and not ${action === null ? 'nothing' : `"${action.slice(0, 80)}"`}`,
      400,
    )
  const members = {
    Arn: `arn:aws:iam::${ACCOUNT}:user/${caller.name.replace(/[^\w+=,.@-]/g, '-')}`,
    UserId: caller.accessKeyId,
    Account: ACCOUNT,
  }
  const inside = Object.entries(members).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`)
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<GetCallerIdentityResponse xmlns="${STS_NAMESPACE}">` +
    `<GetCallerIdentityResult>${inside.join('')}</GetCallerIdentityResult><ResponseMetadata>` +
    `<RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
  )
}
