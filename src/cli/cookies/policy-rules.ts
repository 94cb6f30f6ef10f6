import { type Instant } from '../../core/index.ts'
import type { RawUrl } from '../../http/index.ts'
import { decodeCloudFront, findCarrier, parsePolicy, type Policy } from '../../signing/index.ts'
import { good, problem, warning, type Finding } from '../finding.ts'
import { folderOf } from './browser-rules.ts'
import { resourceAdvice } from './resource-advice.ts'

/** What is wrong with the policy in the cookies, without asking anybody whether its signature is good. */
export function policyFindings(cookies: string, media: RawUrl, now: Instant): Finding[] {
  const carrier = findCarrier({ query: '', cookies })
  // What is incomplete is told by the finding on the set of cookies.
  if (carrier.kind !== 'carrier') return []
  const { statement } = carrier
  if (statement.kind === 'canned') {
    return [canned(media), timeFinding({ expires: (Number(statement.expires) * 1000) as Instant }, now)] // Unix seconds
  }
  const bytes = decodeCloudFront(statement.policy)
  if (bytes === undefined) return []
  const read = parsePolicy(bytes)
  if (read.kind === 'bad') return [unreadable(bytes, read.why)]
  return [wildcard(read.policy, media), timeFinding(read.policy, now)]
}

function canned({ path }: RawUrl): Finding {
  const found = 'CloudFront-Expires makes this a canned policy, which opens one exact URL'
  if (!path.endsWith('.m3u8')) return good('canned policy', found)
  const mend = `HLS is many files: sign a custom policy (CloudFront-Policy) whose Resource ends with ${folderOf(path)}*`
  return problem('canned policy', found, `${mend}.`)
}

function wildcard({ resource }: Policy, media: RawUrl): Finding {
  const advice = resourceAdvice(resource.text, media)
  if (advice === undefined) return good('wildcard', `Resource ${resource.text} covers this URL`)
  return problem('wildcard', advice.found, `Sign ${advice.instead} instead.`)
}

const MINUTE = 60_000

function timeFinding(policy: Pick<Policy, 'expires' | 'notBefore'>, now: Instant): Finding {
  const { expires, notBefore } = policy
  if (expires <= now) {
    const mend =
      'Sign again at each visit and let it hold for hours; a player asks for segments until its film ends.'
    return problem('expiry', `the policy has expired, ${ago(now - expires)} ago`, mend)
  }
  if (notBefore !== undefined && now <= notBefore) {
    const mend =
      notBefore - now < 10 * MINUTE
        ? 'Leave out DateGreaterThan, or set the clock of the machine that signs.'
        : 'Leave out DateGreaterThan, or wait.'
    return problem('not yet', `the policy begins in ${ago(notBefore - now)}`, mend)
  }
  if (expires - now < 5 * MINUTE) {
    const mend = 'Let it hold for hours; a player asks for segments until its film ends.'
    return warning('expiry', `the policy ends in ${ago(expires - now)}`, mend)
  }
  return good('expiry', `the policy holds for ${ago(expires - now)}`)
}

/** Beyond 11 digits somebody has counted milliseconds. */
function unreadable(bytes: Uint8Array, why: string): Finding {
  const text = Buffer.from(bytes).toString('utf8')
  if (/"AWS:EpochTime"\s*:\s*\d{12,}/.test(text)) {
    const mend = 'Divide by 1000: AWS:EpochTime counts whole seconds.'
    return problem('expiry', 'AWS:EpochTime is in milliseconds', mend)
  }
  if (/"AWS:EpochTime"\s*:\s*(?:"|\d+\.)/.test(text)) {
    const mend = 'Write AWS:EpochTime as a whole number, without quotation marks.'
    return problem('expiry', 'AWS:EpochTime is no whole number', mend)
  }
  return problem(
    'policy',
    why,
    'Sign one statement with one Resource and a DateLessThan, and nothing that is not a condition.',
  )
}

function ago(span: number): string {
  if (span < MINUTE) return `${Math.ceil(span / 1000)} s`
  if (span < 120 * MINUTE) return `${Math.round(span / MINUTE)} min`
  return span < 72 * 60 * MINUTE
    ? `${Math.round(span / (60 * MINUTE))} h`
    : `${Math.round(span / (1440 * MINUTE))} days`
}
