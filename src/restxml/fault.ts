import { SluiceError, type ErrorKind, type Side } from '../core/index.ts'

/** What the asker is told in an error document: AWS's word for it, and a sentence. */
export class RestFault extends SluiceError {
  /** Undefined where the model says it, or 400. */
  readonly status: number | undefined

  constructor(code: string, message: string, status?: number) {
    super(code, message, { side: sideOf(status), kind: kindOf(status) })
    this.name = 'RestFault'
    this.status = status
  }
}

/** The document is no XML, or not the XML that the operation takes. */
export function malformed(message: string): RestFault {
  return new RestFault('MalformedXML', message, 400)
}

/** A part of the path, of the query or of a field is not what the operation takes. */
export function invalidArgument(message: string): RestFault {
  return new RestFault('InvalidArgument', message, 400)
}

function sideOf(status: number | undefined): Side {
  return (status ?? 400) < 500 ? 'operator' : 'us'
}

function kindOf(status: number | undefined): ErrorKind {
  switch (status) {
    case 403:
      return 'unauthorised'
    case 404:
      return 'not-found'
    case 409:
    case 412:
      return 'conflict'
    case 503:
      return 'unavailable'
    default:
      return (status ?? 400) < 500 ? 'usage' : 'failed'
  }
}
