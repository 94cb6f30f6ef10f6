import { fieldValue, withoutFields, type Coding, type FlatHeaders } from '../../http/index.ts'

/** Whether a body is put into a coding for a viewer, or taken out of the one in which it came. */
export type Recoding = Coding | 'decoded'

/** What holds for the bytes as they came, and for no others. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-md5',
  'digest',
  'etag',
  'repr-digest',
])

const made = new WeakMap<FlatHeaders, Partial<Record<Recoding, FlatHeaders>>>()

/**
 * The fields of the same answer with its body recoded, made once for each list of fields. A strong entity tag becomes
 * weak, as CloudFront has it: other bytes that mean the same (RFC 9110 §8.8.1). Conditions go on to be judged by the
 * tag as it was, so that one that names it holds for all codings.
 */
export function recodedFields(headers: FlatHeaders, recoding: Recoding): FlatHeaders {
  let lists = made.get(headers)
  if (lists === undefined) made.set(headers, (lists = {}))
  return (lists[recoding] ??= recode(headers, recoding))
}

function recode(headers: FlatHeaders, recoding: Recoding): FlatHeaders {
  const fields = withoutFields(headers, OF_THE_BYTES)
  if (recoding !== 'decoded') fields.push('Content-Encoding', recoding)
  const etag = fieldValue(headers, 'etag')
  if (etag !== undefined) fields.push('ETag', etag.startsWith('W/') ? etag : `W/${etag}`)
  return fields
}
