import { after, MiB, type CanonicalPath, type DistributionId, type Instant } from '../../src/core/index.ts'
import {
  LivePlaylists,
  ObjectCache,
  type PlaylistFound,
  type PlaylistRequest,
  type UpstreamAnswer,
} from '../../src/cache/index.ts'
import { ScriptedBody, START } from './scripted-upstream.ts'

export const PLAYLIST = '/live/stage/b1/video/playlist.m3u8' as CanonicalPath // a test's own
const DISTRIBUTION = 'ETEST' as DistributionId // a test's own

export interface Told {
  status?: number
  /** As `Sluice-Live` says it, less target and part; none when it is no live playlist. */
  at?: string
  /** Since the version was made. */
  ageMs?: number
  lifetimeMs?: number
  text?: string
  partTarget?: number
  headers?: string[]
  body?: ScriptedBody
}

interface Question {
  query: string
  tell: (told: Told | Error) => void
}

/** Live playlists before an upstream that says what the test says, when it says so. */
export class LiveBench {
  now: Instant = START
  sequence = 0
  newest = 0
  /** What was asked upstream, in order; a question waits until it is told something. */
  readonly asked: Question[] = []
  readonly playlists: LivePlaylists
  readonly cache: ObjectCache

  constructor(maxBytes = MiB) {
    const clock = { now: (): Instant => this.now }
    this.cache = new ObjectCache({
      maxBytes: MiB,
      largestObject: MiB / 8,
      clock,
      invalidations: { newest: () => this.newest, applied: () => this.sequence },
    })
    this.playlists = new LivePlaylists({ cache: this.cache, clock, maxBytes, invalidated: () => this.newest })
  }

  get queries(): string[] {
    return this.asked.map(({ query }) => query)
  }

  /** `text` is what stands behind the path: directives, or `rest ! directives` with other keyed parameters. */
  get(text = '', path: CanonicalPath = PLAYLIST): Promise<PlaylistFound> {
    const [query, directives] = text.includes('!') ? (text.split('!') as [string, string]) : ['', text] // as split
    const request: PlaylistRequest = {
      distributionId: DISTRIBUTION,
      path,
      bounds: { minimum: 0, default: 86_400, maximum: 31_536_000 },
      ...{ query, variant: '', directives },
      ask: asked => new Promise((resolve, reject) => this.#wait(asked, resolve, reject)),
    }
    return Promise.resolve(this.playlists.lookup(request))
  }

  /** Tells the question that was asked last, or another one by its number. */
  tell(told: Told | Error, question = this.asked.length - 1): void {
    const waiting = this.asked[question]
    if (!waiting) throw new Error('nothing was asked')
    waiting.tell(told)
  }

  /** Asks and tells at once. */
  async learn(query: string, told: Told): Promise<PlaylistFound> {
    const found = this.get(query)
    this.tell(told)
    return found
  }

  pass(ms: number): void {
    this.now = after(this.now, ms)
  }

  #wait(query: string, resolve: (answer: UpstreamAnswer) => void, reject: (error: Error) => void): void {
    const requestedAt = this.now
    const tell = (told: Told | Error): void =>
      told instanceof Error ? reject(told) : resolve(this.#answer(told, requestedAt))
    this.asked.push({ query, tell })
  }

  #answer(told: Told, requestedAt: Instant): UpstreamAnswer {
    const body = told.body ?? new ScriptedBody().push(told.text ?? textOf(told), 'end')
    return {
      status: told.status ?? 200,
      headers: told.headers ?? headersOf(told),
      requestedAt,
      respondedAt: this.now,
      body,
      destroy: () => {
        body.destroyed = true
      },
    }
  }
}

export function textOf({ at = '' }: Told): string {
  return `#EXTM3U\n#EXTINF:2,\na.m4s\n#EXT-X-PART:${at}\n`
}

function headersOf({ at, ageMs = 0, lifetimeMs = 200, partTarget = 0.2 }: Told): string[] {
  if (at === undefined) return ['Cache-Control', 'no-store']
  return [
    ...['Cache-Control', 'no-cache', 'Sluice-Cache-Control', `max-age-ms=${lifetimeMs}`],
    ...['Sluice-Age-Ms', String(ageMs), 'Sluice-Live', `${at};target=2;part=${partTarget}`],
  ]
}

/** How it was answered, and with which version. */
export async function said(promise: Promise<PlaylistFound>): Promise<string> {
  const found = await promise
  if (found.kind === 'bad-directives') return found.problem
  if (found.kind !== 'version') return found.kind
  const text = found.object.body.toString()
  return `${found.source} ${/#EXT-X-PART:(.*)/.exec(text)?.[1] ?? text}`
}
