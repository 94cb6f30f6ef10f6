import { codeOf, SluiceError } from '../core/index.ts'

/** SluiceError `object-not-found`. */
export function notFound(key: string, cause?: unknown): SluiceError {
  return new SluiceError('object-not-found', `there is no object ${key} in storage`, {
    kind: 'not-found',
    cause,
  })
}

/** SluiceError `offset-moved`. */
export function offsetMoved(key: string, there: number, asked: number): SluiceError {
  return new SluiceError(
    'offset-moved',
    `of ${key} ${there} bytes are there, not ${asked}: go on from there`,
    {
      kind: 'conflict',
    },
  )
}

/** SluiceError `storage-full`. */
export function storageFull(where: string, cause?: unknown): SluiceError {
  return new SluiceError(
    'storage-full',
    `there is no room left in ${where}: free some space there and try again`,
    {
      side: 'operator',
      kind: 'unavailable',
      cause,
    },
  )
}

/** Turns what the operating system says into the errors of the contract; anything else stays as it is. */
export function storageError(error: unknown, key: string, where: string): unknown {
  const code = codeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return notFound(key, error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return storageFull(where, error)
  return error
}
