import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { list, S3Error, stored, write, xml, type Bucket, type S3Answer, type Stored } from './s3-writes.ts'

/** Somebody who may sign, and for what. */
export interface S3User {
  accessKeyId: string
  secretAccessKey: string
  /** Of temporary credentials; then every request must bring it. */
  sessionToken?: string
  /** `name:read` or `name:write` for each bucket and right; writing includes listing. */
  may: readonly string[]
}

/** A request as it came, for tests that look at what a bucket is told. */
export interface S3Asked {
  method: string
  target: string
  headers: IncomingMessage['headers']
  rawHeaders: string[]
}

const REGION = 'eu-central-1'
const MOST_SKEW_MS = 15 * 60_000

/** Something that goes wrong on purpose. */
export type Fault =
  | { kind: 'refuse'; status: number; code: string }
  /** The connection ends without an answer. */
  | { kind: 'hang-up' }
  /** The connection ends after so many bytes of the body. */
  | { kind: 'cut'; after: number }
  /** A whole body as if no range had been asked for. */
  | { kind: 'no-range' }
  /** Another range than was asked for. */
  | { kind: 'other-range' }
  /** It is done, and the connection ends before that is told. */
  | { kind: 'untold' }
  | { kind: 'hold'; until: Promise<void> }

/**
 * An S3 server that checks signatures: header form of Signature Version 4, both kinds of addresses, GET, HEAD, PUT and
 * DELETE of objects, ranges, conditions, copies, uploads in parts, ListObjectsV2. It is written from Amazon's description
 * alone and shares nothing with what it tests.
 */
export class S3Server {
  readonly asked: S3Asked[] = []
  readonly buckets = new Map<string, Bucket>()
  users: S3User[] = []
  /** How far its clock is ahead of this machine's. */
  skewMs = 0
  /** Entries of a page of what it lists. */
  page = 1000
  /** Whether writes obey If-Match and If-None-Match, which not all stores do. */
  conditions = true
  /** Asked before each request. */
  fault: (asked: S3Asked) => Fault | undefined = () => undefined
  readonly #server: Server
  /** Host names whose first label is a bucket: `bucket.s3.test`. */
  readonly #suffix = '.s3.test'

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => fail(request, response, error))
    })
  }

  static async start(): Promise<S3Server> {
    const double = new S3Server()
    await new Promise<void>(resolve => double.#server.listen(0, '127.0.0.1', resolve))
    return double
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port // listening on TCP
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  bucket(name: string, access: Bucket['access'] = 'private'): Bucket {
    const bucket: Bucket = { access, objects: new Map(), uploads: new Map() }
    this.buckets.set(name, bucket)
    return bucket
  }

  put(bucket: string, key: string, body: string, type = 'application/octet-stream'): void {
    this.#bucketOf(bucket).objects.set(key, stored(Buffer.from(body), type))
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // a request stream without an encoding
    const body = Buffer.concat(chunks)
    const { method = '', url = '', headers, rawHeaders } = request
    const asked: S3Asked = { method, target: url, headers, rawHeaders }
    this.asked.push(asked)
    const fault = this.fault(asked)
    if (fault?.kind === 'hang-up') return void request.socket.destroy()
    if (fault?.kind === 'refuse') throw new S3Error(fault.status, fault.code)
    if (fault?.kind === 'hold') await fault.until
    const [rawPath = '', rawQuery = ''] = url.split(/\?(.*)/s)
    const { name, key } = this.#locate(headers.host ?? '', rawPath)
    const user = this.#authenticate({ method, rawPath, rawQuery, headers, body })
    const bucket = this.#bucketOf(name)
    const reading = method === 'GET' || method === 'HEAD'
    const isPublic = bucket.access === 'public' && reading && key !== ''
    const right = key === '' || !reading ? 'write' : 'read'
    if (!isPublic && user?.may.includes(`${name}:${right}`) !== true) throw new S3Error(403, 'AccessDenied')
    const query = new URLSearchParams(rawQuery)
    const { buckets, page, conditions } = this
    const done = write({ method, key, query, headers, body }, bucket, { buckets, page, conditions })
    if (fault?.kind === 'untold') return void request.socket.destroy()
    if (done !== undefined) return send(done, response)
    if (key === '') return send(list(name, bucket, query, page), response)
    return read(bucket.objects.get(key), request, response, fault)
  }

  #bucketOf(name: string): Bucket {
    const bucket = this.buckets.get(name)
    if (bucket === undefined) throw new S3Error(404, 'NoSuchBucket', { BucketName: name })
    return bucket
  }

  #locate(host: string, rawPath: string): { name: string; key: string } {
    const byHost = host.replace(/:\d+$/, '')
    if (byHost.endsWith(this.#suffix))
      return { name: byHost.slice(0, -this.#suffix.length), key: decode(rawPath.slice(1)) }
    const [, name = '', key = ''] = /^\/([^/]*)\/?(.*)$/s.exec(rawPath) ?? []
    return { name, key: decode(key) }
  }

  /** Who signed; undefined when nobody did. Throws as S3 does when the signature does not hold. */
  #authenticate(request: Signed): S3User | undefined {
    const { headers, body } = request
    const authorization = headers.authorization
    if (authorization === undefined) return undefined
    const [, id = '', day = '', region = '', service = '', names = '', signature = ''] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
        authorization,
      ) ?? []
    if (signature === '') throw new S3Error(400, 'AuthorizationHeaderMalformed')
    const user = this.users.find(({ accessKeyId }) => accessKeyId === id)
    if (user === undefined) throw new S3Error(403, 'InvalidAccessKeyId', { AWSAccessKeyId: id })
    if (region !== REGION || service !== 's3')
      throw new S3Error(400, 'AuthorizationHeaderMalformed', { Region: REGION })
    const date = headers['x-amz-date']?.toString() ?? ''
    this.#checkClock(date, day)
    const signedNames = names.split(';')
    const unsigned = Object.keys(headers).filter(
      name => name.startsWith('x-amz-') && !signedNames.includes(name),
    )
    if (!signedNames.includes('host') || unsigned.length > 0)
      throw new S3Error(403, 'AccessDenied', { HeadersNotSigned: unsigned.join(', ') })
    checkToken(user, headers['x-amz-security-token']?.toString())
    const payload = headers['x-amz-content-sha256']?.toString() ?? ''
    const canonical = canonicalRequest(request, signedNames, payload)
    const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/s3/aws4_request`, hex(canonical)].join('\n')
    const key = ['s3', 'aws4_request'].reduce(
      (from, part) => mac(from, part),
      mac(mac(Buffer.from(`AWS4${user.secretAccessKey}`), day), region),
    )
    if (!timingSafeEqual(mac(key, toSign), Buffer.from(signature, 'hex')))
      throw new S3Error(403, 'SignatureDoesNotMatch', {
        AWSAccessKeyId: id,
        StringToSign: toSign,
        SignatureProvided: signature,
        CanonicalRequest: canonical,
      })
    if (payload !== 'UNSIGNED-PAYLOAD' && payload !== hex(body))
      throw new S3Error(400, 'XAmzContentSHA256Mismatch')
    return user
  }

  #checkClock(date: string, day: string): void {
    const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date) ?? []
    if (y === undefined || !date.startsWith(day)) throw new S3Error(403, 'AccessDenied')
    const at = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s))
    if (Math.abs(Date.now() + this.skewMs - at) > MOST_SKEW_MS)
      throw new S3Error(403, 'RequestTimeTooSkewed', {
        RequestTime: date,
        MaxAllowedSkewMilliseconds: '900000',
      })
  }
}

interface Signed {
  method: string
  rawPath: string
  rawQuery: string
  headers: IncomingMessage['headers']
  body: Buffer
}

function checkToken(user: S3User, token: string | undefined): void {
  if (user.sessionToken === token) return
  // S3 repeats the token that it does not like.
  throw new S3Error(400, token === undefined ? 'InvalidToken' : 'ExpiredToken', { 'Token-0': token ?? '' })
}

function canonicalRequest(
  { method, rawPath, rawQuery, headers }: Signed,
  names: string[],
  payload: string,
): string {
  const path = rawPath
    .split('/')
    .map(segment => escape(decode(segment)))
    .join('/')
  const query = rawQuery
    .split('&')
    .filter(each => each !== '')
    .map(each => {
      const [name = '', ...value] = each.split('=')
      return [name, value.join('=')].map(text => escape(decode(text.replaceAll('+', ' '))))
    })
    .sort(([a = '', b = ''], [c = '', d = '']) => (a === c ? (b < d ? -1 : 1) : a < c ? -1 : 1))
    .map(pair => pair.join('='))
    .join('&')
  const fields = names
    .map(
      name =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/ +/g, ' ')}\n`,
    )
    .join('')
  return [method, path, query, fields, names.join(';'), payload].join('\n')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new S3Error(400, 'InvalidURI')
  }
}

/** Each byte that is not unreserved. */
function escape(text: string): string {
  return [...Buffer.from(text)]
    .map(byte => {
      const char = String.fromCharCode(byte)
      return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

function mac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function hex(bytes: string | Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function send({ status, headers, xml: body }: S3Answer, response: ServerResponse): void {
  response.writeHead(status, { ...headers, ...(body !== undefined && { 'Content-Type': 'application/xml' }) })
  response.end(body === undefined ? undefined : `<?xml version="1.0" encoding="UTF-8"?>\n${body}`)
}

function read(
  object: Stored | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  fault: Fault | undefined,
): void {
  if (object === undefined) throw new S3Error(404, 'NoSuchKey')
  const { body, type, etag, modified } = object
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch, range } = request.headers
  const head = {
    ETag: etag,
    'Last-Modified': modified,
    'Accept-Ranges': 'bytes',
    Server: 'AmazonS3',
    'x-amz-request-id': 'A',
  }
  if (ifMatch !== undefined && ifMatch !== etag) throw new S3Error(412, 'PreconditionFailed')
  const since = request.headers['if-modified-since']
  if (ifNoneMatch === etag || (ifNoneMatch === undefined && since === modified)) {
    response.writeHead(304, head).end()
    return
  }
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec((fault?.kind !== 'no-range' && range) || '') ?? []
  const [first, last] =
    from === ''
      ? [body.length - Number(to), body.length - 1]
      : [Number(from) + (fault?.kind === 'other-range' ? 1 : 0), Number(to || body.length - 1)]
  const partial = from !== '' || to !== ''
  if (partial && first >= body.length) throw new S3Error(416, 'InvalidRange')
  const bytes = partial ? body.subarray(Math.max(0, first), last + 1) : body
  response.writeHead(partial ? 206 : 200, {
    ...head,
    ...(partial && { 'Content-Range': `bytes ${first}-${first + bytes.length - 1}/${body.length}` }),
    ...{ 'Content-Type': type, 'Content-Length': bytes.length },
  })
  if (fault?.kind === 'cut')
    return void response.write(bytes.subarray(0, fault.after), () => request.socket.destroy())
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const { status, code, more } =
    error instanceof S3Error ? error : new S3Error(500, 'InternalError', { Detail: String(error) })
  const elements = Object.entries(more).map(([name, value]) => `<${name}>${xml(value)}</${name}>`)
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message>${elements.join('')}</Error>`
  response
    .writeHead(status, { 'Content-Type': 'application/xml' })
    .end(request.method === 'HEAD' ? undefined : body)
}
