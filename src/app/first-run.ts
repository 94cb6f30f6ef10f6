import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ControlClient, ImportedKey, UploadSource } from '../client/index.ts'
import { codeOf, messageOf, SluiceError, systemClock, type KeyId } from '../core/index.ts'
import { generateKeyPair } from '../signing/index.ts'
import type { DataFolder } from './data-folder.ts'
import {
  createFirstChannel,
  FIRST_CHANNEL,
  isFirstChannel,
  signFirstChannel,
  type FirstChannel,
} from './first-channel.ts'

/** What was done once on this data folder. It is not done again when somebody has undone it since. */
interface Done {
  key?: KeyId
  sample?: string
  channel?: string
}

/** The path at which the sample clip is published. */
export const SAMPLE_PATH = '/sample'
const SAMPLE_PLAYLIST = `${SAMPLE_PATH}/index.m3u8`

/** Beside the package's own files, two folders above this module in src/ and in dist/. */
const SAMPLE_FILE = fileURLToPath(new URL('../../media/sample.mp4', import.meta.url))

export interface FirstRunOptions {
  data: DataFolder
  client: ControlClient
  /** The first channel comes with the sample. */
  sample: 'publish' | 'leave-out'
  /** Host and port that encoders connect to. */
  rtmp: string
  /** Tells the person something that did not work and does not stop the start. */
  warn: (sentence: string) => void
  signal: AbortSignal
}

/** What there is to try after a start. */
export interface FirstThings {
  /** The sample's playlist path; null when it is not served. */
  sample: string | null
  /** Signed anew at each start, since what the last one printed may have expired; undefined when it was deleted. */
  channel: FirstChannel | undefined
}

/** Makes the default signing key, publishes the sample and creates a channel, each once per data folder. */
export async function firstRun(options: FirstRunOptions): Promise<FirstThings> {
  const { data, client, warn, signal } = options
  const done = readDone(data.firstRunFile)
  if (done.key === undefined) {
    done.key = await makeDefaultKey(client, data.keys)
    writeDone(data.firstRunFile, done)
  }
  if (options.sample === 'leave-out') return { sample: null, channel: undefined }
  const { key } = done
  const attempt = async <T>(failed: string, make: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await make()
    } catch (error) {
      signal.throwIfAborted()
      warn(`${failed}: ${messageOf(error)}`)
      return undefined
    }
  }
  if (done.sample === undefined) {
    await attempt('The sample was not published', async () => {
      done.sample = await publishSample(options)
      writeDone(data.firstRunFile, done)
    })
  }
  if (done.channel === undefined) {
    await attempt(`The channel ${FIRST_CHANNEL} was not created`, async () => {
      done.channel = await createFirstChannel(client, signal)
      writeDone(data.firstRunFile, done)
    })
  }
  const channel = await attempt('What to paste into OBS was not signed', async () =>
    done.channel !== undefined && (await isFirstChannel(client, done.channel))
      ? signFirstChannel(data.keys, key, options.rtmp, systemClock.now())
      : undefined,
  )
  const served = done.sample !== undefined && (await isReady(client))
  return { sample: served ? SAMPLE_PLAYLIST : null, channel }
}

async function makeDefaultKey(client: ControlClient, folder: string): Promise<KeyId> {
  const made = await makeSigningKey(client, folder, { name: 'default', group: 'default', type: 'p256' })
  return made.key.id
}

/** What a new key is called, which group trusts it, and its kind. */
export interface NewSigningKey {
  name: string
  group: string
  type: 'p256' | 'rsa2048'
}

/**
 * Makes a key pair, has control trust the public half and keeps the private one as `<folder>/<ID>.pem`, 0600. The
 * private half is never sent; it is on the disk before control trusts anything, so that no trusted key is lost.
 */
export async function makeSigningKey(
  client: ControlClient,
  folder: string,
  { name, group, type }: NewSigningKey,
): Promise<{ key: ImportedKey; privateKeyFile: string }> {
  const pair = await generateKeyPair(type)
  const waiting = join(folder, `.new-${process.pid}.pem`)
  writeFileSync(waiting, pair.privatePem, { mode: 0o600 })
  try {
    const key = await client.importKey({ name, pem: pair.publicPem, group })
    const privateKeyFile = join(folder, `${key.id}.pem`)
    renameSync(waiting, privateKeyFile)
    return { key, privateKeyFile }
  } catch (error) {
    rmSync(waiting, { force: true })
    throw error
  }
}

async function publishSample({ client, signal }: FirstRunOptions): Promise<string> {
  if (!existsSync(SAMPLE_FILE)) {
    throw new SluiceError('no-sample', `${SAMPLE_FILE} is not there.`)
  }
  const file = await open(SAMPLE_FILE, 'r')
  try {
    const { size } = await stat(SAMPLE_FILE)
    let publication = await client.publish({
      path: SAMPLE_PATH,
      fileName: 'sample.mp4',
      size,
      ladder: 'none',
    })
    const source: UploadSource = {
      size,
      async read(start, length) {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
        return buffer.subarray(0, bytesRead)
      },
    }
    await client.upload(publication, source, { signal })
    while (publication.state !== 'ready' && publication.state !== 'errored') {
      publication = await client.publication(publication.id, { waitSeconds: 20, signal })
    }
    if (publication.error) throw new SluiceError(publication.error.code, publication.error.message)
    if (publication.snapshotVersion !== null) {
      await client.acknowledged(publication.snapshotVersion, { waitSeconds: 5, signal })
    }
    return publication.assetId
  } finally {
    await file.close()
  }
}

async function isReady(client: ControlClient): Promise<boolean> {
  try {
    return (await client.asset(SAMPLE_PATH)).state === 'ready'
  } catch (error) {
    if (error instanceof SluiceError && error.kind === 'not-found') return false
    throw error
  }
}

function readDone(path: string): Done {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Done // written below, by this module alone
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return {}
    throw error
  }
}

function writeDone(path: string, done: Done): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(done)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
