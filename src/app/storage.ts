import { SluiceError, systemClock, type Instant } from '../core/index.ts'
import { checkStore, type StorageOptions } from '../storage/index.ts'
import { readSecret } from './secret.ts'
import { SETTINGS, type Configuration } from './settings.ts'

const KEY_ID = 'SLUICE_STORAGE_ACCESS_KEY_ID'
const SECRET = 'SLUICE_STORAGE_SECRET_ACCESS_KEY'

export interface StorageInputs {
  configuration: Configuration
  /** Holds media where no bucket is named. */
  folder: string
  env: Record<string, string | undefined>
}

/** Where media lies; the keys of a bucket come from the environment. Throws one sentence about what lacks. */
export function storageOptions({ configuration, folder, env }: StorageInputs): StorageOptions {
  const { storage, storageEndpoint: endpoint, storageRegion: region, storagePathStyle } = configuration
  if (storage === undefined) {
    if (endpoint === undefined) return { kind: 'filesystem', folder }
    throw usage(
      `${SETTINGS.storageEndpoint.key} is set and ${SETTINGS.storage.key} is not: name the bucket as s3://BUCKET.`,
    )
  }
  const accessKeyId = readSecret(env, KEY_ID)
  const secretAccessKey = readSecret(env, SECRET)
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw usage(`Media is to lie in ${storage.bucket}: set ${KEY_ID} and ${SECRET}, or the same with _FILE.`)
  }
  // Amazon's own buckets have host names; elsewhere few stores have set that up.
  const pathStyle = storagePathStyle === 'auto' ? endpoint !== undefined : storagePathStyle === 'yes'
  return {
    ...{ kind: 's3', ...storage, region, accessKeyId, secretAccessKey },
    addressing: pathStyle ? 'path' : 'host',
    ...(endpoint === undefined ? {} : { endpoint }),
  }
}

/** Where media lies, tried once. Throws one sentence about what lacks, or about a bucket that cannot be used. */
export async function triedStorage(
  inputs: StorageInputs & { show: (line: string) => void },
): Promise<StorageOptions> {
  const options = storageOptions(inputs)
  await tryStorage(options, { now: systemClock.now(), show: inputs.show })
  return options
}

/** Tries a bucket once, before any role is started; a folder is tried by who opens it. */
export async function tryStorage(
  options: StorageOptions,
  { now, show }: { now: Instant; show: (line: string) => void },
): Promise<void> {
  if (options.kind !== 's3') return
  try {
    if ((await checkStore(options, now)) === 'shared') return
    show(
      `storage: the store of ${options.bucket} does not obey conditional writes, so only one origin should use it`,
    )
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    const { message } = error
    const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith('?') ? '' : '.'}`
    throw new SluiceError(error.code, sentence, { side: error.side, kind: error.kind, cause: error })
  }
}

function usage(sentence: string): SluiceError {
  return new SluiceError('bad-storage', sentence, { side: 'operator', kind: 'usage' })
}
