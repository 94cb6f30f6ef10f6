import { getSignedCookies } from '@aws-sdk/cloudfront-signer'

/** Hours, not days: the page renews them while somebody watches. */
const LIFETIME_SECONDS = 2 * 60 * 60

const NAMES = [
  'CloudFront-Policy',
  'CloudFront-Signature',
  'CloudFront-Key-Pair-Id',
  'CloudFront-Hash-Algorithm', // says SHA256; without it a signature is taken for SHA-1
]

/**
 * Sets the cookies that open the members' area of the media server. AWS's own signer makes them, as it would for
 * CloudFront; HLS is many files, so the policy is a custom one with a wildcard.
 */
export function openMedia(res, settings, now = Date.now()) {
  const policy = JSON.stringify({
    Statement: [
      {
        Resource: `${settings.mediaOrigin}${settings.area}*`,
        Condition: { DateLessThan: { 'AWS:EpochTime': Math.floor(now / 1000) + LIFETIME_SECONDS } },
      },
    ],
  })
  const { keyPairId, privateKey } = settings
  const cookies = getSignedCookies({ keyPairId, privateKey, policy, algorithm: 'SHA256' })
  for (const name of NAMES) res.cookie(name, cookies[name], attributes(settings))
}

/** Takes them away: a browser only drops a cookie that is named with the Domain and Path that it was set with. */
export function closeMedia(res, settings) {
  for (const name of NAMES) res.clearCookie(name, attributes(settings))
}

/**
 * `domain`: this site and the media server are siblings, and a sibling can only set cookies for the parent.
 * `secure` holds on plain http too where the name ends in `.localhost`. `sameSite: 'lax'` is enough, since both are
 * one site.
 */
function attributes({ cookieDomain, area }) {
  return { domain: cookieDomain, path: area, secure: true, httpOnly: true, sameSite: 'lax' }
}
