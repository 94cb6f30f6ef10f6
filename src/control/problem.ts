import { codeOf, messageOf, SluiceError, STATUS_OF_KIND } from '../core/index.ts'
import type { ApiError } from '../client/index.ts'
import type { Logger } from '../telemetry/index.ts'

export interface Problem {
  status: number
  body: ApiError
  headers: Record<string, string>
}

/** Where HTTP has a more exact word than the kind. */
const STATUS_OF_CODE: Record<string, number> = {
  'no-space': 507,
  scope: 403,
  'not-a-node': 403,
  'wrong-role': 403,
  'no-certificate': 403,
  'version-apart': 403,
  'upload-ended': 410,
}

/** The parser's own errors, told as sentences. */
const OF_FASTIFY: Record<string, { status: number; code: string; message: string }> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    status: 413,
    code: 'too-large',
    message: 'the body is larger than is taken here: send less at once',
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'bad-type',
    message: 'the body is not JSON: send it with Content-Type: application/json',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    code: 'bad-json',
    message: 'the body is empty where JSON is expected',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'bad-json', message: 'the body is not JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'bad-length',
    message: 'the body has another length than announced',
  },
  FST_ERR_BAD_URL: { status: 400, code: 'bad-path', message: 'the path has a bad escape' },
}

/** What the asker is told of anything that was thrown. What is ours to mend is logged and not told. */
export function problemOf(error: unknown, log: Logger): Problem {
  if (error instanceof SluiceError) {
    const status = STATUS_OF_CODE[error.code] ?? STATUS_OF_KIND[error.kind]
    if (status === 500)
      log.error({ code: error.code, error: error.message, cause: causeOf(error) }, 'request failed')
    const headers: Record<string, string> = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
    if (error.code === 'not-a-node') headers['x-sluice-reason'] = 'not-a-node'
    return { status, body: { error: { code: error.code, message: error.message } }, headers }
  }
  const known = OF_FASTIFY[codeOf(error) ?? '']
  if (known)
    return {
      status: known.status,
      body: { error: { code: known.code, message: known.message } },
      headers: {},
    }
  if (error instanceof SyntaxError) {
    return {
      status: 400,
      body: { error: { code: 'bad-json', message: 'the body is not JSON' } },
      headers: {},
    }
  }
  log.error(
    { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
    'request failed',
  )
  const message = 'control could not do this because of an error of its own: its log says more'
  return { status: 500, body: { error: { code: 'internal', message } }, headers: {} }
}

function causeOf(error: SluiceError): string | undefined {
  return error.cause === undefined ? undefined : messageOf(error.cause)
}
