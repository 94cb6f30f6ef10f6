import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface Stored {
  body: Buffer
  type: string
  etag: string
  modified: string
}

interface Upload {
  key: string
  type: string
  initiated: string
  parts: Map<number, Stored>
}

export interface Bucket {
  /** `public`: anybody may read its objects. Nobody unsigned may list them. */
  access: 'private' | 'public'
  objects: Map<string, Stored>
  /** By their ids. */
  uploads: Map<string, Upload>
}

/** What goes wrong, as S3 says it. */
export class S3Error extends Error {
  readonly status: number
  readonly code: string
  /** Elements of its XML beside code and message. */
  readonly more: Record<string, string>
  constructor(status: number, code: string, more: Record<string, string> = {}) {
    super(code)
    this.status = status
    this.code = code
    this.more = more
  }
}

/** A request about an object or a bucket, signature and rights checked. */
export interface S3Request {
  method: string
  key: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface S3Answer {
  status: number
  headers?: Record<string, string>
  xml?: string
}

const SMALLEST_PART = 5 * 1024 * 1024

export function stored(body: Buffer, type: string): Stored {
  const etag = `"${createHash('md5').update(body).digest('hex')}"`
  return { body, type, etag, modified: new Date(Math.floor(Date.now() / 1000) * 1000).toUTCString() }
}

export function xml(text: string): string {
  return text.replace(/[&<>"]/g, char => `&#${char.charCodeAt(0)};`)
}

/** Everything that changes a bucket, and what is told of uploads in parts; undefined for plain reading. */
export function write(
  request: S3Request,
  bucket: Bucket,
  world: { buckets: ReadonlyMap<string, Bucket>; page: number; conditions: boolean },
): S3Answer | undefined {
  const { method, query, key } = request
  const id = query.get('uploadId')
  if (id !== null) return ofUpload(request, bucket, { id, ...world })
  if (query.has('uploads')) return method === 'POST' ? begin(request, bucket) : uploads(bucket, query)
  if (method === 'PUT') {
    const source = request.headers['x-amz-copy-source']?.toString()
    if (source !== undefined) {
      const copy = stored(copied(source, undefined, world.buckets), 'application/octet-stream')
      bucket.objects.set(key, copy)
      return { status: 200, xml: `<CopyObjectResult><ETag>${xml(copy.etag)}</ETag></CopyObjectResult>` }
    }
    if (world.conditions) checkConditions(request.headers, bucket.objects.get(key))
    const object = stored(request.body, request.headers['content-type'] ?? 'application/octet-stream')
    bucket.objects.set(key, object)
    return { status: 200, headers: { ETag: object.etag } }
  }
  if (method !== 'DELETE') return undefined
  bucket.objects.delete(key)
  return { status: 204 }
}

function checkConditions(
  { 'if-match': ifMatch, 'if-none-match': ifNoneMatch }: IncomingHttpHeaders,
  there: Stored | undefined,
): void {
  if (ifMatch !== undefined && there === undefined) throw new S3Error(404, 'NoSuchKey')
  if ((ifMatch !== undefined && there?.etag !== ifMatch) || (ifNoneMatch === '*' && there !== undefined))
    throw new S3Error(412, 'PreconditionFailed')
}

function begin({ key, headers }: S3Request, bucket: Bucket): S3Answer {
  const id = randomBytes(12).toString('hex')
  bucket.uploads.set(id, {
    ...{ key, type: headers['content-type'] ?? 'application/octet-stream', parts: new Map<number, Stored>() },
    initiated: new Date().toISOString(),
  })
  return {
    status: 200,
    xml: `<InitiateMultipartUploadResult><Key>${xml(key)}</Key><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
  }
}

function uploads(bucket: Bucket, query: URLSearchParams): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const found = [...bucket.uploads].filter(([, { key }]) => key.startsWith(prefix))
  const entries = found.map(
    ([id, { key, initiated }]) =>
      `<Upload><Key>${xml(key)}</Key><UploadId>${id}</UploadId><Initiated>${initiated}</Initiated></Upload>`,
  )
  return {
    status: 200,
    xml: `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${entries.join('')}</ListMultipartUploadsResult>`,
  }
}

interface UploadWorld {
  id: string
  buckets: ReadonlyMap<string, Bucket>
  page: number
}

function ofUpload(request: S3Request, bucket: Bucket, { id, buckets, page }: UploadWorld): S3Answer {
  const { method, query, headers, body, key } = request
  const upload = bucket.uploads.get(id)
  if (upload?.key !== key) throw new S3Error(404, 'NoSuchUpload')
  switch (method) {
    case 'PUT': {
      const number = Number(query.get('partNumber'))
      if (!Number.isInteger(number) || number < 1 || number > 10_000)
        throw new S3Error(400, 'InvalidArgument')
      const source = headers['x-amz-copy-source']?.toString()
      const range = headers['x-amz-copy-source-range']?.toString()
      const part = stored(source === undefined ? body : copied(source, range, buckets), '')
      upload.parts.set(number, part)
      if (source === undefined) return { status: 200, headers: { ETag: part.etag } }
      return { status: 200, xml: `<CopyPartResult><ETag>${xml(part.etag)}</ETag></CopyPartResult>` }
    }
    case 'GET':
      return parts(upload, Number(query.get('part-number-marker') ?? 0), page)
    case 'DELETE':
      bucket.uploads.delete(id)
      return { status: 204 }
    default: {
      const object = complete(upload, body.toString())
      bucket.objects.set(key, object)
      bucket.uploads.delete(id)
      return {
        status: 200,
        xml: `<CompleteMultipartUploadResult><ETag>${xml(object.etag)}</ETag></CompleteMultipartUploadResult>`,
      }
    }
  }
}

function parts(upload: Upload, marker: number, page: number): S3Answer {
  const all = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > marker)
  const shown = all.slice(0, page)
  const entries = shown.map(
    ([number, { etag, body }]) =>
      `<Part><PartNumber>${number}</PartNumber><ETag>${xml(etag)}</ETag><Size>${body.length}</Size></Part>`,
  )
  const next = shown.at(-1)?.[0] ?? 0
  return {
    status: 200,
    xml:
      `<ListPartsResult><IsTruncated>${all.length > page}</IsTruncated>` +
      `<NextPartNumberMarker>${next}</NextPartNumberMarker>${entries.join('')}</ListPartsResult>`,
  }
}

/** The object of the parts that the request names, in its order. */
function complete({ parts: there, type }: Upload, text: string): Stored {
  const named = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: /<ETag>(?:&quot;|&#34;|")?([0-9a-f]+)/.exec(part)?.[1],
  }))
  if (named.length === 0) throw new S3Error(400, 'MalformedXML')
  const found = named.map(({ number, etag }, index) => {
    const part = there.get(number)
    if (part?.etag !== `"${etag}"`) throw new S3Error(400, 'InvalidPart')
    if (index > 0 && number <= (named[index - 1]?.number ?? 0)) throw new S3Error(400, 'InvalidPartOrder')
    if (index < named.length - 1 && part.body.length < SMALLEST_PART) throw new S3Error(400, 'EntityTooSmall')
    return part
  })
  const whole = stored(Buffer.concat(found.map(({ body }) => body)), type)
  return { ...whole, etag: whole.etag.replace(/"$/, `-${found.length}"`) }
}

function copied(source: string, range: string | undefined, buckets: ReadonlyMap<string, Bucket>): Buffer {
  const [, name = '', key = ''] = /^\/?([^/]+)\/(.*)$/s.exec(decodeURIComponent(source)) ?? []
  const object = buckets.get(name)?.objects.get(key)
  if (object === undefined) throw new S3Error(404, 'NoSuchKey')
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
  return first === undefined ? object.body : object.body.subarray(Number(first), Number(last) + 1)
}

/** A page of ListObjectsV2. */
export function list(name: string, { objects }: Bucket, query: URLSearchParams, page: number): S3Answer {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? ''
  const keys = [...objects.keys()].filter(key => key.startsWith(prefix) && key > after).sort()
  const shown = keys.slice(0, page)
  const contents = shown.map(key => {
    const { body, etag, modified } = objects.get(key)! // its key is listed
    return `<Contents><Key>${xml(key)}</Key><LastModified>${new Date(modified).toISOString()}</LastModified><ETag>${xml(etag)}</ETag><Size>${body.length}</Size></Contents>`
  })
  const more = keys.length > shown.length
  const next = more ? `<NextContinuationToken>${xml(shown.at(-1) ?? '')}</NextContinuationToken>` : ''
  return {
    status: 200,
    xml:
      `<ListBucketResult><Name>${xml(name)}</Name><Prefix>${xml(prefix)}</Prefix><KeyCount>${shown.length}</KeyCount>` +
      `<MaxKeys>${page}</MaxKeys><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`,
  }
}
