import { createHash } from 'node:crypto'

/** Path of each file of a film, and the SHA-256 of the bytes that the origin first gave. */
export type Truth = ReadonlyMap<string, string>

/** Fetches a whole film: its playlists, init segments and media segments. */
export async function readTruth(base: string): Promise<Truth> {
  const found = new Map<string, string>()
  const fetchInto = async (url: URL): Promise<string> => {
    const answer = await fetch(url)
    if (answer.status !== 200) throw new Error(`${url.pathname} is ${answer.status}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    found.set(url.pathname, digest(bytes))
    return bytes.toString('utf8')
  }
  const entry = new URL(`${base}/index.m3u8`)
  for (const playlist of uris(await fetchInto(entry))) {
    const url = new URL(playlist, entry)
    for (const part of uris(await fetchInto(url))) await fetchInto(new URL(part, url))
  }
  return found
}

/** Viewers that fetch one file after the other without end, and hold every whole answer against the truth. */
export interface Readers {
  /** Whole answers until now. */
  checked(): number
  /** Paths whose bytes were not the right ones. */
  readonly wrong: readonly string[]
  stop(): Promise<void>
}

export function startReaders(site: string, truth: Truth, count = 4): Readers {
  const paths = [...truth.keys()]
  const wrong: string[] = []
  let running = true
  let checked = 0
  const read = async (first: number): Promise<void> => {
    for (let at = first; running; at = (at + 7) % paths.length) {
      const target = paths[at] ?? ''
      // A refused or cut connection is what a killed process looks like; only wrong bytes are wrong.
      const bytes = await whole(`${site}${target}`).catch(() => undefined)
      if (!bytes) continue
      checked++
      if (digest(bytes) !== truth.get(target)) wrong.push(target)
    }
  }
  const reading = Array.from({ length: count }, (_, first) => read(first % paths.length))
  return {
    checked: () => checked,
    wrong,
    async stop() {
      running = false
      await Promise.all(reading)
    },
  }
}

async function whole(url: string): Promise<Buffer | undefined> {
  const answer = await fetch(url)
  const bytes = Buffer.from(await answer.arrayBuffer())
  return answer.status === 200 ? bytes : undefined
}

function uris(playlist: string): string[] {
  return [
    ...playlist.split('\n').filter(line => line !== '' && !line.startsWith('#')),
    ...[...playlist.matchAll(/URI="([^"]+)"/g)].map(match => match[1] ?? ''),
  ]
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
