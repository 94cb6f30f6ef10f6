import { codeOf, SluiceError, type Side } from '../../core/index.ts'
import type { S3Options } from '../contract.ts'
import { notFound, storageFull } from '../failure.ts'

/** How sentences call a store: never with a key of it. */
export function placeOf({ bucket, endpoint }: Pick<S3Options, 'bucket' | 'endpoint'>): string {
  return `${bucket} at ${endpoint ?? 'Amazon S3'}`
}

/** What an answer of the store, or the lack of one, is called. */
interface Said {
  /** The code of S3's XML; of an answer without a body (to a HEAD), its status in words. */
  name: string
  status: number | undefined
  region: string | undefined
}

function saidBy(error: unknown): Said {
  const { name, $metadata, Region } = error as {
    name?: string
    $metadata?: { httpStatusCode?: number }
    Region?: string
  } // whatever was thrown may lack any of them
  return { name: name ?? '', status: $metadata?.httpStatusCode, region: Region }
}

/** Worth asking once more: the connection broke, or the store has too much to do. */
export function isPassing(error: unknown): boolean {
  // A body that was cut short, where it was not noticed before; not our own time limit.
  if (error instanceof SluiceError) return error.code === 'storage-bytes'
  const { name, status } = saidBy(error)
  if (status === undefined) return codeOf(error) !== undefined || name === 'TimeoutError'
  return (
    (status >= 500 && status !== 501) || status === 429 || name === 'RequestTimeout' || name === 'SlowDown'
  )
}

export function hasName(error: unknown, ...names: string[]): boolean {
  return names.includes(saidBy(error).name)
}

const FULL = new Set(['QuotaExceeded', 'XMinioStorageFull', 'StorageFull', 'InsufficientStorage'])
const REGIONS = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])

/**
 * The error of the contract for what the store said: `object-not-found`, `storage-full`, or of the kind `unavailable`,
 * with a sentence that says what to mend. Nothing of the answer but its code is repeated: S3 quotes tokens and signatures.
 */
export function storeError(error: unknown, options: S3Options, key?: string): SluiceError {
  if (error instanceof SluiceError) return error
  const place = placeOf(options)
  const { name, status, region } = saidBy(error)
  if (name === 'NoSuchBucket') {
    return mend('storage-missing', `there is no bucket ${place}: create it, or mend storage.url`)
  }
  if (name === 'NoSuchKey' || name === 'NoSuchUpload' || status === 404) return notFound(key ?? place)
  if (status === 412 || name === 'ConditionalRequestConflict') {
    return new SluiceError('storage-changed', `${key ?? place} was changed meanwhile by another process`, {
      kind: 'conflict',
    })
  }
  if (name === 'RequestTimeTooSkewed') {
    return mend(
      'storage-clock',
      `the store of ${place} refuses what this machine asks since their clocks differ: set this machine's clock`,
    )
  }
  if (name === 'InvalidAccessKeyId') {
    return mend(
      'storage-refused',
      `the store of ${place} does not know the access key: mend SLUICE_STORAGE_ACCESS_KEY_ID`,
    )
  }
  if (name === 'SignatureDoesNotMatch') {
    return mend(
      'storage-refused',
      `the store of ${place} does not take the signature: mend SLUICE_STORAGE_SECRET_ACCESS_KEY`,
    )
  }
  if (REGIONS.has(name)) {
    const where = region === undefined ? 'the region of the bucket' : region
    return mend(
      'storage-region',
      `the store of ${place} expects another region: set storage.region to ${where}`,
    )
  }
  if (status === 401 || status === 403) {
    return mend(
      'storage-refused',
      `the store of ${place} refuses (${name}): give the access key the rights to list it, and to read, write and delete in it`,
    )
  }
  if (status === 507 || FULL.has(name)) return storageFull(`the bucket ${place}`)
  if (status === 501 || (status !== undefined && status < 500 && status !== 429)) {
    return new SluiceError(
      'storage-broken',
      `the store of ${place} does not understand what it is asked (${status} ${name}): it must speak S3`,
      {
        side: 'upstream',
        kind: 'unavailable',
      },
    )
  }
  return away(options, status === undefined ? (codeOf(error) ?? name) : `${status} ${name}`)
}

/** SluiceError `storage-away`. */
export function away(options: S3Options, why: string): SluiceError {
  return said(
    'upstream',
    'storage-away',
    `the bucket ${placeOf(options)} cannot be reached (${why}): is the store running, and storage.endpoint right?`,
  )
}

/** SluiceError `storage-bytes`: what came is not what was asked for. */
export function wrongBytes(options: S3Options, key: string, why: string): SluiceError {
  return said(
    'upstream',
    'storage-bytes',
    `the store of ${placeOf(options)} sent other bytes of ${key} than were asked for (${why})`,
  )
}

function mend(code: string, sentence: string): SluiceError {
  return said('operator', code, sentence)
}

function said(side: Side, code: string, sentence: string): SluiceError {
  return new SluiceError(code, sentence, { side, kind: 'unavailable' })
}
