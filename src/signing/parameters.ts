import type { CarrierResult } from './carrier.ts'

/** The five names of a signed URL; cookies have `CloudFront-` before them. Case-sensitive. */
export const PARAMETERS = ['Policy', 'Expires', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'] as const

export type Parameter = (typeof PARAMETERS)[number]

const NAMES = new Set<string>(PARAMETERS)

export function isParameter(name: string): name is Parameter {
  return NAMES.has(name)
}

const HASHES = new Map<string | undefined, 'sha1' | 'sha256'>([
  [undefined, 'sha1'],
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
])

/** What stood in a URL or in cookies. */
export interface Collected {
  values: ReadonlyMap<Parameter, string>
  /** One that came twice and cannot be told from its double. */
  twice: Parameter | undefined
}

/** Makes a carrier of it, or says what is missing or too much. */
export function assemble({ values, twice }: Collected, via: 'query' | 'cookie'): CarrierResult {
  const where = via === 'query' ? 'in the URL' : 'in the cookies'
  if ((values.get('Key-Pair-Id') ?? '') === '' && twice !== 'Key-Pair-Id')
    return { kind: 'keyless', why: `Key-Pair-Id is missing ${where}` }
  if (twice !== undefined) {
    return malformed(
      via === 'query'
        ? `the URL has ${twice} twice`
        : `the cookie CloudFront-${twice} comes twice with different values`,
    )
  }
  if ((values.get('Signature') ?? '') === '') return malformed(`Signature is missing ${where}`)
  const policy = values.get('Policy')
  const expires = values.get('Expires')
  if (policy !== undefined && expires !== undefined)
    return malformed(`Expires and Policy exclude each other and both are ${where}`)
  if ((policy ?? expires ?? '') === '') return malformed(`Policy or Expires is missing ${where}`)
  if (expires !== undefined && !/^[1-9]\d{0,10}$/.test(expires))
    return malformed('Expires is not in Unix seconds')
  const hash = HASHES.get(values.get('Hash-Algorithm'))
  if (hash === undefined) return malformed('Hash-Algorithm is neither SHA1 nor SHA256')
  return {
    kind: 'carrier',
    via,
    statement: policy === undefined ? { kind: 'canned', expires: expires ?? '' } : { kind: 'custom', policy },
    signature: values.get('Signature') ?? '',
    keyId: values.get('Key-Pair-Id') ?? '',
    hash,
  }
}

export function malformed(why: string): CarrierResult {
  return { kind: 'malformed', why }
}
