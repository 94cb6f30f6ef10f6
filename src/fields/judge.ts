import type { EncryptionProfile, FieldEncryption } from '../distribution/index.ts'
import { LONGEST_FORM } from './limits.ts'
import type { FieldStatus, FormRefusal } from './status.ts'

/** What the head of a request says of its body. */
export interface FormHead {
  method: string
  /** Every Content-Type that it has. */
  contentTypes: readonly string[]
  /** Content-Encoding. */
  coding: string | undefined
  /** Content-Length, where that is told. */
  length: number | undefined
  /** As sent, without `?`. */
  query: string
}

export type Judgement =
  /** It is no form, whatever it carries. */
  | { kind: 'untouched' }
  | { kind: 'forward'; status: FieldStatus }
  | { kind: 'refuse'; status: FormRefusal }
  | { kind: 'encrypt'; profile: EncryptionProfile }

const FORM = 'application/x-www-form-urlencoded'
/** CloudFront's. */
const ARGUMENT = 'fle-profile'

/**
 * What becomes of a request by its head alone. What cannot be read is refused first; then a content type or a profile
 * that the configuration does not have is forwarded or refused as it says, and a request passes only where both let it.
 */
export function judge(head: FormHead, { byQuery, byContentType }: FieldEncryption): Judgement {
  if (head.method !== 'POST' && head.method !== 'PUT') return { kind: 'untouched' }
  const type = contentTypeOf(head.contentTypes)
  if (type === 'malformed') return refuse('MalformedContentTypeClientError')
  const asked = argumentOf(head.query)
  if (asked === 'malformed') return refuse('MalformedQueryArgsClientError')
  if (type !== FORM) return byUnknownType(byContentType)
  const named = asked && byQuery.profiles.find(({ argument }) => argument === asked.value)
  if (asked && named === undefined)
    return byQuery.unknown === 'forward' ? forward('ForwardedByQueryArgs') : refuse('RejectedByQueryArgs')
  const configured = byContentType.profiles.find(({ contentType }) => contentType === type)
  const profile = named?.profile ?? configured?.profile
  if (profile === undefined)
    return configured === undefined ? byUnknownType(byContentType) : forward('ForwardedDueToNoProfile')
  // Fields that are packed away cannot be found, and a viewer could hide them from us in this way.
  if (head.coding !== undefined && !/^(?:identity)?$/i.test(head.coding.trim()))
    return refuse('MalformedInputClientError')
  if ((head.length ?? 0) > LONGEST_FORM) return refuse('RequestLengthLimitClientError')
  return { kind: 'encrypt', profile }
}

function byUnknownType({ unknown }: FieldEncryption['byContentType']): Judgement {
  return unknown === 'forward' ? forward('ForwardedByContentType') : refuse('RejectedByContentType')
}

function forward(status: FieldStatus): Judgement {
  return { kind: 'forward', status }
}

function refuse(status: FormRefusal): Judgement {
  return { kind: 'refuse', status }
}

/** RFC 9110 §8.3: a type, perhaps with parameters, once. An origin might take another of two than we do. */
const MEDIA_TYPE = /^[!#$%&'*+.^_`|~\w-]{1,127}\/[!#$%&'*+.^_`|~\w-]{1,127}$/

/** In lower case, without parameters; empty where there is none. */
function contentTypeOf(fields: readonly string[]): string {
  const [field, second] = fields
  if (field === undefined) return ''
  const end = field.indexOf(';')
  const type = (end < 0 ? field : field.slice(0, end)).trim()
  return second === undefined && MEDIA_TYPE.test(type) ? type.toLowerCase() : 'malformed'
}

const VALUE = /^(?:[A-Za-z0-9._*+-]|%[0-9A-Fa-f]{2}){1,128}$/

/** The profile that a query names, as it stands there; one that is empty, cannot be, or stands twice is malformed. */
function argumentOf(query: string): { value: string } | 'malformed' | undefined {
  const found = query.split('&').filter(each => each === ARGUMENT || each.startsWith(`${ARGUMENT}=`))
  const [first, second] = found
  if (first === undefined) return undefined
  const value = first.slice(ARGUMENT.length + 1)
  return second === undefined && VALUE.test(value) ? { value } : 'malformed'
}
