/**
 * What became of a request's form: CloudFront's `fle-status`, word for word. Of `Forwarded…` nothing was read or
 * encrypted; every `…ClientError` and `Rejected…` is a 400.
 */
export type FieldStatus =
  | 'Processed'
  | 'ForwardedByContentType'
  | 'ForwardedByQueryArgs'
  | 'ForwardedDueToNoProfile'
  | FormRefusal
  /** The origin, or this edge, failed before the form had gone. */
  | 'ServerError'

export const FORM_REFUSALS = [
  'MalformedContentTypeClientError',
  'MalformedInputClientError',
  'MalformedQueryArgsClientError',
  'RejectedByContentType',
  'RejectedByQueryArgs',
  'FieldLengthLimitClientError',
  'FieldNumberLimitClientError',
  'RequestLengthLimitClientError',
] as const
export type FormRefusal = (typeof FORM_REFUSALS)[number]
