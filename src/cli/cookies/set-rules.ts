import { good, problem, type Finding } from '../finding.ts'

export interface CookiePair {
  name: string
  value: string
}

const NAMES = ['Policy', 'Expires', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'].map(
  name => `CloudFront-${name}`,
)
const SIGNED = ['CloudFront-Policy', 'CloudFront-Signature']

/** Cookies of a Cookie header, in their order. */
export function pairsOf(header: string): CookiePair[] {
  return header.split(';').flatMap(part => {
    const equals = part.indexOf('=')
    if (equals < 0) return []
    return [{ name: part.slice(0, equals).trim(), value: part.slice(equals + 1).trim() }]
  })
}

/** Whether a cookie has to do with a grant, its name mistaken perhaps. */
export function isGrantCookie({ name }: CookiePair): boolean {
  return name.toLowerCase().startsWith('cloudfront-')
}

/** Whether the cookies of one grant are all there, once, and as their signer made them. */
export function setFinding(pairs: readonly CookiePair[]): Finding {
  const own = pairs.filter(isGrantCookie)
  return (
    misspelled(own) ??
    incomplete(own) ??
    contradicting(own) ??
    escaped(own) ??
    good('cookies', [...new Set(own.map(({ name }) => name))].join(', '))
  )
}

function misspelled(own: readonly CookiePair[]): Finding | undefined {
  for (const { name } of own) {
    const meant = NAMES.find(each => each.toLowerCase() === name.toLowerCase())
    if (meant !== undefined && meant !== name) {
      const mend = `Call it ${meant}: upper and lower case count.`
      return problem('cookies', `${name} is not the name of a signed cookie`, mend)
    }
  }
  return undefined
}

function incomplete(own: readonly CookiePair[]): Finding | undefined {
  const has = (name: string): boolean => own.some(each => each.name === name && each.value !== '')
  const missing = [
    ...(has('CloudFront-Policy') || has('CloudFront-Expires') ? [] : ['CloudFront-Policy']),
    ...['CloudFront-Signature', 'CloudFront-Key-Pair-Id'].filter(name => !has(name)),
  ]
  if (missing.length > 0) {
    const mend = 'Set all that the signer returns, each with the same attributes, and delete none of them.'
    return problem('cookies', `missing: ${missing.join(', ')}`, mend)
  }
  if (has('CloudFront-Policy') && has('CloudFront-Expires')) {
    const mend = 'Delete CloudFront-Expires, with the Domain and Path that it was set with.'
    return problem('cookies', 'CloudFront-Expires and CloudFront-Policy exclude each other', mend)
  }
  return undefined
}

function contradicting(own: readonly CookiePair[]): Finding | undefined {
  const twice = own.find(({ name, value }) => own.some(each => each.name === name && each.value !== value))
  if (!twice) return undefined
  return problem(
    'cookies',
    `${twice.name} comes twice with different values, set for two paths or domains`,
    'Set each grant for a Path of its own, none inside another, and delete the old cookies with the Domain and Path that they were set with.',
  )
}

function escaped(own: readonly CookiePair[]): Finding | undefined {
  for (const { name, value } of own.filter(each => SIGNED.includes(each.name))) {
    if (value.includes('%')) {
      const mend = 'Set the value as the signer gave it: it holds nothing that needs an escape.'
      return problem('cookies', `${name} was escaped (${/%.{0,2}/.exec(value)?.[0] ?? '%'})`, mend)
    }
    if (/[+/=]/.test(value)) {
      const mend = 'Write "-" for "+", "_" for "=" and "~" for "/" (CloudFront\'s base64).'
      return problem('cookies', `${name} is in plain base64`, mend)
    }
  }
  return undefined
}
