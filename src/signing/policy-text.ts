import { parseCidr } from './address.ts'

/** What a policy says, in Unix seconds as it counts them. */
export interface StatementTerms {
  resource: string
  expires: number
  notBefore?: number
  /** CIDR. */
  address?: string
}

/** Decoded bytes; CloudFront's URLs hold 8,192 characters in all. */
export const LARGEST_POLICY = 8192

/** AWS's order of names and no white space, so that their tools and ours write the same bytes. */
export function statementText({ resource, expires, notBefore, address }: StatementTerms): string {
  const condition = {
    DateLessThan: { 'AWS:EpochTime': expires },
    ...(notBefore === undefined ? {} : { DateGreaterThan: { 'AWS:EpochTime': notBefore } }),
    ...(address === undefined ? {} : { IpAddress: { 'AWS:SourceIp': address } }),
  }
  return JSON.stringify({ Statement: [{ Resource: resource, Condition: condition }] })
}

/** `why` ends the sentence "This policy cannot be signed: …". */
export type WrittenPolicy = { kind: 'policy'; text: string } | { kind: 'bad'; why: string }

/** The text to sign, or why the terms make no policy. An address alone becomes a range. */
export function writePolicy(terms: StatementTerms): WrittenPolicy {
  const { resource, expires, notBefore, address } = terms
  // Exactly what cannot be in a URL.
  if (!/^[^\u0000-\u0020\u007f-\uffff]+$/.test(resource)) {
    return bad('its resource must be a URL with every space and letter beyond ASCII percent-encoded')
  }
  if (notBefore !== undefined && notBefore >= expires) return bad('it would begin after it ends')
  if (address !== undefined && parseCidr(address) === undefined) {
    return bad('its address must be one range such as 192.0.2.0/24')
  }
  const text = statementText(address === undefined ? terms : { ...terms, address: rangeOf(address) })
  // All of it is ASCII: one character is one byte.
  if (text.length > LARGEST_POLICY) return bad(`it would have more than ${LARGEST_POLICY} bytes`)
  return { kind: 'policy', text }
}

function rangeOf(address: string): string {
  const alone = address.includes(':') ? '/128' : '/32'
  return address.includes('/') ? address : address + alone
}

function bad(why: string): WrittenPolicy {
  return { kind: 'bad', why }
}
