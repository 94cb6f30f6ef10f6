import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf, MiB, SluiceError, type Clock, type ErrorKind } from '../../core/index.ts'
import { errorDocument, RestFault, type RestAnswer } from '../../restxml/index.ts'
import { isSignedBy, readSignature, type SignatureClaim, type SignedRequest } from '../../signing/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { CallerBook, KnownCaller } from './callers.ts'
import { CloudFrontError, type Caller } from './operation.ts'

const LARGEST_BODY = 1 * MiB

/** A request whose signature is good. */
export interface Verified {
  request: SignedRequest
  /** By lower-case name. */
  header: (name: string) => string | undefined
  caller: Caller
  requestId: string
  /** Aborts when the asker goes away. */
  signal: AbortSignal
}

export interface AnsweringOptions {
  callers: CallerBook
  clock: Clock
  log: Logger
  /** For which requests are to be signed. */
  service: string
  /** Of error documents. */
  namespace: string
  /** Statuses of errors that say none themselves. */
  statusOf: (code: string) => number | undefined
  answer: (verified: Verified) => Promise<RestAnswer>
}

/** Answers one request in XML: who may not ask, what is refused and what fails included. */
export async function answerSigned(
  incoming: IncomingMessage,
  response: ServerResponse,
  options: AnsweringOptions,
): Promise<void> {
  const requestId = randomUUID()
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const answer = await verify(incoming, options)
    .then(({ request, caller }) =>
      options.answer({
        ...{ request, caller, requestId, signal: gone.signal },
        header: name => fieldOf(request, name),
      }),
    )
    .catch((error: unknown) => refusal(error, requestId, options))
  if (response.headersSent || response.destroyed) return void response.destroy()
  const { status, headers, body = '' } = answer
  const bytes = Buffer.from(body)
  response.writeHead(status, {
    ...{ 'x-amzn-requestid': requestId, 'cache-control': 'no-store', ...headers },
    ...(status === 204 ? {} : { 'content-length': bytes.length }),
    // The rest of a body that was too large is not waited for.
    ...(incoming.readableEnded || status < 400 ? {} : { connection: 'close' }),
  })
  response.end(incoming.method === 'HEAD' || status === 204 ? undefined : bytes)
}

/** Who asks is looked up before the body is read: a stranger's megabyte is not. */
async function verify(
  incoming: IncomingMessage,
  options: AnsweringOptions,
): Promise<{ request: SignedRequest; caller: Caller }> {
  const { method = '', url: target = '', rawHeaders: fields } = incoming
  const head = { method, target, fields, body: new Uint8Array() }
  const { claim, known } = await admit(head, options)
  const request = { ...head, body: await bodyOf(incoming) }
  if (!isSignedBy(request, claim, known.secret)) {
    const message =
      'the signature is not that of this request: check the secret access key, and how it is signed'
    throw new CloudFrontError('SignatureDoesNotMatch', message, 403)
  }
  return { request, caller: known.caller }
}

async function admit(
  head: SignedRequest,
  { callers, clock, service }: AnsweringOptions,
): Promise<{ claim: SignatureClaim; known: KnownCaller }> {
  const result = readSignature(head, { services: [service], now: clock.now() })
  if (result.kind === 'refused')
    throw new CloudFrontError(result.fault, result.why, statusOfFault(result.fault))
  const known = await callers.find(result.claim.accessKeyId)
  if (known) return { claim: result.claim, known }
  const message = 'the access key is unknown here: sluice tokens list names those that there are'
  throw new CloudFrontError('InvalidClientTokenId', message, 403)
}

function statusOfFault(fault: string): number {
  return fault === 'IncompleteSignature' ? 400 : 403
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (Number(incoming.headers['content-length'] ?? 0) > LARGEST_BODY) throw tooLarge()
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > LARGEST_BODY) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(): RestFault {
  return new CloudFrontError(
    'RequestEntityTooLarge',
    'the body is larger than the 1 MiB that are taken here',
    413,
  )
}

function fieldOf({ fields }: SignedRequest, name: string): string | undefined {
  const at = fields.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name)
  return at < 0 ? undefined : fields[at + 1]
}

/** AWS's words for errors that come from below and know none of them. */
const OF_KIND: Readonly<Record<ErrorKind, { code: string; status: number }>> = {
  usage: { code: 'InvalidArgument', status: 400 },
  'not-found': { code: 'NoSuchResource', status: 404 },
  conflict: { code: 'ResourceInUse', status: 409 },
  unauthorised: { code: 'AccessDenied', status: 403 },
  unavailable: { code: 'ServiceUnavailable', status: 503 },
  failed: { code: 'InternalError', status: 500 },
}

function refusal(error: unknown, requestId: string, options: AnsweringOptions): RestAnswer {
  const { code, status, message } = told(error, options)
  if (status >= 500 && status !== 501 && status !== 503)
    options.log.error(
      { requestId, error: messageOf(error), stack: error instanceof Error ? error.stack : undefined },
      'a request of the CloudFront API failed',
    )
  const body = errorDocument({ namespace: options.namespace }, { code, message, status, requestId })
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

function told(
  error: unknown,
  { statusOf }: AnsweringOptions,
): { code: string; status: number; message: string } {
  if (error instanceof RestFault) {
    const { code, message } = error
    return { code, message, status: error.status ?? statusOf(code) ?? 400 }
  }
  if (error instanceof SluiceError && error.kind !== 'failed')
    return { ...OF_KIND[error.kind], message: error.message }
  const message = 'control could not do this because of an error of its own: its log says more'
  return { ...OF_KIND.failed, message }
}
