import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect } from 'vitest'

export const CHANNEL = '/live/stage'
export const FOLDER = `${CHANNEL}/b1/video`
export const PLAYLIST = `${FOLDER}/playlist.m3u8`

/** An origin of live playlists and parts that holds every question until the test answers it. */
export class LiveOrigin {
  readonly held: { url: string; response: ServerResponse }[] = []

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const entry = { url: request.url ?? '', response }
    this.held.push(entry)
    response.once('close', () => this.held.splice(this.held.indexOf(entry), 1))
  }

  /** Waits until so many questions are held. */
  async holds(count: number): Promise<void> {
    await expect.poll(() => this.held.length, { timeout: 10_000, interval: 5 }).toBe(count)
  }

  /** Answers all that is held with this version. */
  playlist(at: string, options: { lifetimeMs?: number; text?: string; etag?: string } = {}): void {
    this.#all(200, options.text ?? playlistText(at), {
      'Content-Type': 'application/vnd.apple.mpegurl',
      'Cache-Control': 'no-cache',
      'Sluice-Cache-Control': `max-age-ms=${options.lifetimeMs ?? 12_000}`,
      'Sluice-Age-Ms': '0',
      'Sluice-Live': `${at};target=2;part=0.2`,
      ...(options.etag !== undefined && { ETag: options.etag }),
    })
  }

  part(bytes: Buffer): void {
    this.#all(200, bytes, { 'Content-Type': 'video/mp4', 'Cache-Control': 'public, max-age=12' })
  }

  refuse(status: number): void {
    this.#all(status, 'no', { 'Cache-Control': 'no-store' })
  }

  #all(status: number, body: string | Buffer, headers: Record<string, string>): void {
    for (const { response } of this.held)
      response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body)
  }
}

export function playlistText(at: string): string {
  return `#EXTM3U\n#EXT-X-PART:${at}\n`
}
