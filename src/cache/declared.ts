import { fieldValue, type FlatHeaders, type Validators } from '../http/index.ts'

/** Content-Length when it is one plain number; anything else is an unknown length. */
export function contentLength(headers: FlatHeaders): number | undefined {
  const text = fieldValue(headers, 'content-length')
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

export function validatorsOf(headers: FlatHeaders): Validators {
  return { etag: fieldValue(headers, 'etag'), lastModified: fieldValue(headers, 'last-modified') }
}
