import { open } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
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
      ? refusal('empty-file', `${asGiven} is empty: there is nothing to publish.`)
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

async function openUrl(url: string): Promise<PublishSource> {
  const shown = withoutSecrets(url)
  const head = await ask(url, shown, { method: 'HEAD' })
  const size = Number(head.headers.get('content-length') ?? NaN)
  if (!Number.isSafeInteger(size) || head.headers.get('accept-ranges') !== 'bytes') {
    throw refusal('no-ranges', `${shown} cannot be read in parts: download it and publish the file.`)
  }
  if (size === 0) throw refusal('empty-file', `${shown} is empty: there is nothing to publish.`)
  // The parts must be of one version of the object.
  const validator = head.headers.get('etag') ?? head.headers.get('last-modified')
  const headers: Record<string, string> =
    validator === null || validator.startsWith('W/') ? {} : { 'if-range': validator }
  return {
    fileName: nameIn(url),
    size,
    async read(start, length) {
      const range = `bytes=${start}-${start + length - 1}`
      const response = await ask(url, shown, { headers: { ...headers, range } })
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

async function ask(url: string, shown: string, request: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, { ...request, signal: AbortSignal.timeout(60_000) })
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw refusal('no-source', `${shown} cannot be reached (${messageOf(cause)}).`)
  }
  if (response.ok) return response
  await response.body?.cancel()
  throw refusal(
    'no-source',
    `${shown} answers ${response.status}.`,
    response.status === 404 ? 'not-found' : 'failed',
  )
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
