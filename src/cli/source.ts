import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { UploadSource } from '../client/index.ts'
import { codeOf, messageOf, SluiceError } from '../core/index.ts'

/** A file or URL that is published; closed by whoever opened it. */
export interface PublishSource extends UploadSource {
  fileName: string
  close(): Promise<void>
}

/** Opens what `sluice publish` was given. Throws a sentence when it is not there, empty, or cannot be read in parts. */
export function openSource(text: string, cwd: string): Promise<PublishSource> {
  return /^https?:\/\//i.test(text) ? openUrl(text) : openFile(resolve(cwd, text), text)
}

async function openFile(path: string, asGiven: string): Promise<PublishSource> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') throw refusal('no-file', `${asGiven} does not exist.`, 'not-found')
    throw refusal(
      'unreadable',
      `${asGiven} cannot be read (${codeOf(error) ?? messageOf(error)}): mend its rights.`,
    )
  })
  const found = await file.stat()
  if (!found.isFile() || found.size === 0) {
    await file.close()
    throw found.isFile()
      ? emptySource(asGiven)
      : refusal('not-a-file', `${asGiven} is not a file: name one media file.`)
  }
  return {
    fileName: basename(path),
    size: found.size,
    async read(start, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
      return buffer.subarray(0, bytesRead)
    },
    close: () => file.close(),
  }
}

/**
 * Asked by GET, since many signed URLs allow nothing else. A server that cannot give parts is read once, into a file:
 * uploads resume at any byte.
 */
async function openUrl(url: string): Promise<PublishSource> {
  const shown = withoutSecrets(url)
  const fileName = nameIn(url)
  const first = await ask(url, shown, { headers: { range: 'bytes=0-0' } })
  if (first.status !== 206) return download(first, { shown, fileName })
  await first.body?.cancel()
  const size = Number(/^bytes 0-0\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1] ?? NaN)
  if (!Number.isSafeInteger(size)) return download(await ask(url, shown, {}), { shown, fileName })
  // The parts must be of one version of the object.
  const validator = first.headers.get('etag') ?? first.headers.get('last-modified')
  const headers: Record<string, string> =
    validator === null || validator.startsWith('W/') ? {} : { 'if-range': validator }
  return {
    fileName,
    size,
    async read(start, length) {
      const range = `bytes=${start}-${start + length - 1}`
      const signal = AbortSignal.timeout(60_000)
      const response = await ask(url, shown, { headers: { ...headers, range }, signal })
      if (response.status !== 206) {
        await response.body?.cancel()
        throw refusal('source-changed', `${shown} changed while it was read: publish it again.`)
      }
      return new Uint8Array(await response.arrayBuffer())
    },
    close: () => Promise.resolve(),
  }
}

function nameIn(url: string): string {
  const last = basename(new URL(url).pathname)
  try {
    return decodeURIComponent(last).replaceAll('/', '') || 'download'
  } catch {
    // A percent sign that encodes nothing is allowed in a URL.
    return last
  }
}

/** The whole body in a file of this user's temporary folder, which is gone when the source is closed. */
async function download(
  response: Response,
  { shown, fileName }: { shown: string; fileName: string },
): Promise<PublishSource> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-download-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  const path = join(folder, 'body')
  try {
    await writeFile(path, response.body ?? [])
    const source = await openFile(path, shown)
    return { ...source, fileName, close: () => source.close().finally(remove) }
  } catch (error) {
    await remove()
    if (error instanceof SluiceError) throw error
    const why = codeOf(error) === 'ENOSPC' ? 'the disk is full' : 'it broke off'
    throw refusal('no-source', `${shown} could not be downloaded, ${why}: try again.`)
  }
}

async function ask(url: string, shown: string, request: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, request)
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw refusal('no-source', `${shown} cannot be reached (${messageOf(cause)}).`)
  }
  if (response.ok) return response
  await response.body?.cancel()
  // A range of nothing cannot be given.
  if (response.status === 416) throw emptySource(shown)
  throw refusal(
    'no-source',
    `${shown} answers ${response.status}.`,
    response.status === 404 ? 'not-found' : 'failed',
  )
}

function emptySource(shown: string): SluiceError {
  return refusal('empty-file', `${shown} is empty: there is nothing to publish.`)
}

/** A URL may hold a signature or a password; neither is repeated. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) {
    throw refusal('bad-url', 'This is no URL: write it whole, as https://site.example/film.mp4.', 'usage')
  }
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function refusal(
  code: string,
  sentence: string,
  kind: 'failed' | 'not-found' | 'usage' = 'failed',
): SluiceError {
  return new SluiceError(code, sentence, { side: 'operator', kind })
}
