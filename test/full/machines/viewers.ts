import { createHash } from 'node:crypto'
import path from 'node:path'
import { readMedia } from '../../e2e/live.ts'
import type { Doorway, Got } from './doorway.ts'
import { Watch } from './watch.ts'

/** What a viewer does until he is stopped; a fault is a sentence. */
export abstract class Viewer {
  readonly watch = new Watch()
  readonly faults: string[] = []
  readonly #end = new AbortController()
  readonly #over: Promise<void>
  readonly #pauseMs: number

  protected constructor(pauseMs: number) {
    this.#pauseMs = pauseMs
    this.#over = Promise.resolve().then(() => this.#run())
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#over
  }

  /** One look at what there is. */
  protected abstract look(): Promise<void>

  protected get stopped(): boolean {
    return this.#end.signal.aborted
  }

  protected fault(sentence: string): void {
    if (this.faults.length < 20) this.faults.push(sentence)
  }

  protected pause(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, this.#pauseMs))
  }

  async #run(): Promise<void> {
    while (!this.stopped) {
      await this.look()
      await this.pause()
    }
  }
}

/** Plays a film round and round: each object is asked for until it is there, and its bytes are those of the first time. */
export class FilmViewer extends Viewer {
  readonly #door: Doorway
  readonly #film: ReadonlyMap<string, string>

  constructor(door: Doorway, film: ReadonlyMap<string, string>) {
    super(100)
    this.#door = door
    this.#film = film
  }

  protected async look(): Promise<void> {
    for (const [at, hash] of this.#film) {
      while (!this.stopped && !(await this.#has(at, hash))) await this.pause()
      if (this.stopped) return
      this.watch.tick()
      await this.pause()
    }
  }

  async #has(at: string, hash: string): Promise<boolean> {
    const got = await this.#door.get(at).catch(() => undefined)
    if (got === undefined || got.status >= 500) return false
    if (got.status !== 200) this.fault(`${at} is ${got.status}`)
    else if (hashOf(got.body) !== hash) this.fault(`${at} has other bytes`)
    return got.status === 200
  }
}

/** Everything of a film that is there, with the hashes of its bytes. */
export async function filmAt(door: Doorway, entry: string): Promise<Map<string, string>> {
  const film = new Map<string, string>()
  const add = async (at: string): Promise<void> => {
    if (film.has(at)) return
    const { status, body } = await door.get(at)
    if (status !== 200) throw new Error(`${at} is ${status}`)
    film.set(at, hashOf(body))
    if (!at.endsWith('.m3u8')) return
    for (const uri of urisOf(body.toString())) await add(path.posix.join(path.posix.dirname(at), uri))
  }
  await add(entry)
  return film
}

function urisOf(playlist: string): string[] {
  const lines = playlist.split('\n').filter(line => line !== '')
  const named = lines.flatMap(line =>
    line.startsWith('#') ? [/URI="([^"]+)"/.exec(line)?.[1] ?? ''] : [line],
  )
  return named.filter(uri => uri !== '')
}

/** How long what a playlist names may be absent from it and from the edge: a playlist that is kept may be older than both. */
const ABSENT_MS = 3000

/**
 * Follows a channel. News is a part that the playlist had not named before and that has arrived. Numbers never go back, and a
 * name has one content, whichever edge is asked.
 */
export class LiveViewer extends Viewer {
  readonly #door: Doorway
  readonly #channel: string
  /** Of all viewers: the hash under each name. */
  readonly #contents: Map<string, string>
  readonly #had = new Set<string>()
  readonly #absent = new Map<string, number>()
  #playlist = ''
  #newest = -1

  constructor(door: Doorway, channel: string, contents: Map<string, string>) {
    super(80)
    this.#door = door
    this.#channel = channel
    this.#contents = contents
  }

  protected async look(): Promise<void> {
    if (this.#playlist === '' && !(await this.#find())) return
    const got = await this.#get(this.#playlist)
    if (got?.status === 404) this.#playlist = ''
    if (got?.status !== 200) return
    const media = readMedia(got.body.toString())
    if (media.ended) this.#playlist = ''
    const last = media.segments.at(-1)
    if (last === undefined) return
    if (last.sequence < this.#newest) this.fault(`${last.sequence} after ${this.#newest}`)
    this.#newest = Math.max(this.#newest, last.sequence)
    const whole = media.segments.findLast(({ uri }) => uri !== undefined)
    const wanted = [last.init, whole?.uri, last.parts.at(-1)?.uri].filter(uri => uri !== undefined)
    for (const at of this.#absent.keys())
      if (!got.body.includes(path.posix.basename(at))) this.#absent.delete(at)
    for (const uri of wanted) await this.#fetch(path.posix.join(path.posix.dirname(this.#playlist), uri))
  }

  async #find(): Promise<boolean> {
    const got = await this.#get(`${this.#channel}/index.m3u8`)
    const video = got?.body.toString().match(/^\S*\/video\/\S+\.m3u8$/m)?.[0]
    if (got?.status !== 200 || video === undefined) return false
    this.#playlist = `${this.#channel}/${video}`
    return true
  }

  async #fetch(at: string): Promise<void> {
    if (this.#had.has(at)) return
    const got = await this.#get(at)
    if (got?.status === 404) {
      const since = this.#absent.get(at) ?? performance.now()
      this.#absent.set(at, since)
      if (performance.now() - since > ABSENT_MS) this.fault(`${at} is named and is not there`)
    }
    if (got?.status !== 200) return
    const hash = hashOf(got.body)
    if ((this.#contents.get(at) ?? hash) !== hash) this.fault(`${at} has other bytes`)
    this.#contents.set(at, hash)
    this.#had.add(at)
    this.watch.tick()
  }

  async #get(at: string): Promise<Got | undefined> {
    return this.#door.get(at).catch(() => undefined)
  }
}

/**
 * Asks for a page that changes, always by a new connection. From the moment on at which an invalidation has reached the
 * edge, `floor` is what the page said before it was asked for.
 */
export class NumberViewer extends Viewer {
  floor = 0
  readonly #door: Doorway
  readonly #host: string

  constructor(door: Doorway, host: string) {
    super(100)
    this.#door = door
    this.#host = host
  }

  protected async look(): Promise<void> {
    const { floor } = this
    const got = await this.#door.get('/number', { host: this.#host, fresh: true }).catch(() => undefined)
    if (got === undefined || got.status >= 500) return
    const text = got.body.toString()
    const number = Number(text.split('\n', 1)[0])
    if (got.status !== 200 || text !== pageOf(number))
      this.fault(`the page is ${got.status} ${text.slice(0, 80)}`)
    else if (number < floor) this.fault(`${number} where ${floor} had been invalidated`)
    this.watch.tick()
  }
}

/** Of some packets, and all of it follows from the number, so that a mixture of two can be told. */
export function pageOf(number: number): string {
  return `${number}\n`.repeat(2000)
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
