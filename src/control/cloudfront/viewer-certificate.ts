import type { Distribution, DistributionInput } from '../../distribution/index.ts'
import type { Findings } from './findings.ts'
import type { ViewerCertificate } from './shapes.ts'

/** Older versions of TLS are spoken to nobody. */
const MINIMUM: Readonly<Record<string, '1.2' | '1.3'>> = {
  SSLv3: '1.2',
  TLSv1: '1.2',
  TLSv1_2016: '1.2',
  'TLSv1.1_2016': '1.2',
  'TLSv1.2_2018': '1.2',
  'TLSv1.2_2019': '1.2',
  'TLSv1.2_2021': '1.2',
  'TLSv1.2_2025': '1.2',
  'TLSv1.3_2025': '1.3',
}

const ACM = /^arn:[a-z-]+:acm:[a-z0-9-]*:\d*:certificate\/([A-Za-z0-9._-]{1,128})$/
const NAME = /^[A-Za-z0-9._-]{1,128}$/

/**
 * The certificate by its name among those that edges have: the last part of an ACM ARN, or an IAM id as it is. Without
 * one viewers are shown the edge's own.
 */
export function readCertificate(
  sent: ViewerCertificate | undefined,
  aliases: readonly string[],
  found: Findings,
): Pick<DistributionInput, 'certificate' | 'minimumTls'> {
  const {
    ACMCertificateArn: arn = '',
    IAMCertificateId: iam = '',
    CloudFrontDefaultCertificate: own = false,
  } = sent ?? {}
  const minimumTls = minimumOf(sent, found)
  if ([arn !== '', iam !== '', own].filter(Boolean).length > 1)
    found.refuse(
      'ViewerCertificate',
      'give one of CloudFrontDefaultCertificate, ACMCertificateArn and IAMCertificateId',
      'InvalidViewerCertificate',
    )
  methodOf(sent, found)
  if (arn === '' && iam === '') {
    if (aliases.length > 0 && sent?.CloudFrontDefaultCertificate === true)
      found.notice('CloudFrontDefaultCertificate', 'aliases are shown the certificate that each edge has')
    return minimumTls === undefined ? {} : { minimumTls }
  }
  const name = arn === '' ? (NAME.exec(iam) ?? [])[0] : (ACM.exec(arn) ?? [])[1]
  if (name === undefined) {
    found.refuse(
      'ViewerCertificate',
      'write ACMCertificateArn as arn:aws:acm:us-east-1:000000000000:certificate/NAME, IAMCertificateId as NAME',
      'InvalidViewerCertificate',
    )
    return {}
  }
  found.notice(
    'ViewerCertificate',
    `viewers are shown the certificate "${name}" where an edge has one of this name`,
  )
  return { certificate: name, ...(minimumTls !== undefined && { minimumTls }) }
}

function minimumOf(sent: ViewerCertificate | undefined, found: Findings): '1.2' | '1.3' | undefined {
  const word = sent?.MinimumProtocolVersion
  // CloudFront itself writes TLSv1 beside its own certificate, whatever is asked.
  if (word === undefined || (sent?.CloudFrontDefaultCertificate === true && word === 'TLSv1'))
    return undefined
  const minimum = found.oneOf('MinimumProtocolVersion', word, MINIMUM, '1.2')
  if (!word.startsWith('TLSv1.2') && minimum === '1.2')
    found.notice('MinimumProtocolVersion', `TLS 1.2 is the least that is spoken, stricter than ${word}`)
  return minimum
}

function methodOf(sent: ViewerCertificate | undefined, found: Findings): void {
  const word = sent?.SSLSupportMethod
  if (word === undefined || word === 'sni-only' || sent?.CloudFrontDefaultCertificate === true) return
  found.notice(
    'SSLSupportMethod',
    `"${word}" is kept; certificates are told apart by the name asked for (SNI)`,
  )
}

export function renderCertificate({
  certificate,
  minimumTls,
}: Pick<Distribution, 'certificate' | 'minimumTls'>): ViewerCertificate {
  const least = minimumTls === '1.3' ? 'TLSv1.3_2025' : 'TLSv1.2_2021'
  if (certificate === undefined) {
    return {
      CloudFrontDefaultCertificate: true,
      SSLSupportMethod: 'vip',
      MinimumProtocolVersion: minimumTls === undefined ? 'TLSv1' : least,
      CertificateSource: 'cloudfront',
    }
  }
  return {
    CloudFrontDefaultCertificate: false,
    IAMCertificateId: certificate,
    SSLSupportMethod: 'sni-only',
    MinimumProtocolVersion: least,
    Certificate: certificate,
    CertificateSource: 'iam',
  }
}
