import { Agent, get as httpGet, type IncomingMessage } from 'node:http'
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2'
import type { FaultEdge } from './fault-edge.ts'
import { bytesAt, KINDS, randomFrom, type FaultSite, type Kind } from './fault-site.ts'
import { Comparison } from './large-origin.ts'

interface Wish {
  at: string
  headers: Record<string, string>
}

/** What a viewer got of an answer, whether or not it came to its end. */
interface Received {
  status: number
  headers: IncomingHttpHeaders
  ended: 'whole' | 'cut'
  bytes: number
  wrong: number
}

/** Ask for everything in every way without end, and compare each byte that comes with the origin's. */
export class FaultViewers {
  /** Answers that came whole and right; that were cut, visibly; that were not begun. */
  whole = 0
  cut = 0
  refused = 0
  hits = 0
  readonly wrong: string[] = []
  readonly #edge: FaultEdge
  readonly #site: FaultSite
  #over = false
  #running: Promise<unknown> = Promise.resolve()

  constructor(edge: FaultEdge, site: FaultSite) {
    this.#edge = edge
    this.#site = site
  }

  /** Every fifth of them speaks HTTP/2. */
  start(count: number, seed: number): void {
    const each = (own: number): Promise<void> => this.#go(randomFrom(seed + own), own % 5 === 4 ? 2 : 1)
    this.#running = Promise.all(Array.from({ length: count }, (_, own) => each(own)))
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#running
  }

  /** One answer, checked like all others; undefined when there was none. */
  async see(wish: Wish, version: 1 | 2 = 1, agent?: Agent): Promise<Received | undefined> {
    const check = new Check(wish)
    const received = await (version === 1
      ? overHttp1(this.#edge.http, wish, check, agent)
      : overHttp2(this.#edge.https, wish, check))
    if (received === undefined) this.refused++
    else this.#judge(wish, received)
    return received
  }

  #judge(wish: Wish, received: Received): void {
    const fault = faultOf(wish, received, this.#site)
    if (fault !== undefined) {
      const { status, headers, ended, bytes, wrong } = received
      this.wrong.push(
        `${fault}: ${JSON.stringify({ ...wish, status, ended, bytes, wrong, answer: headers })} ${this.#edge.told(headers['x-sluice-id'])}`,
      )
    }
    if (received.ended === 'cut') this.cut++
    else this.whole++
    if (received.headers['x-cache'] === 'Hit from sluice') this.hits++
  }

  async #go(random: (below: number) => number, version: 1 | 2): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!this.#over) {
      await this.#edge.up
      const wish = anyWish(random)
      if (random(20) === 0) this.#site.renew(wish.at)
      await this.see(wish, version, agent)
    }
    agent.destroy()
  }
}

const SHARES: Kind[] = [
  ...['small', 'small', 'small', 'medium', 'medium', 'medium', 'large'],
  ...['spoken', 'turned', 'chunked', 'chunked', 'broken'],
] as Kind[] // each is one

function anyWish(random: (below: number) => number): Wish {
  const kind = SHARES[random(SHARES.length)] ?? 'small'
  const { count, from } = KINDS[kind]
  const at = `/${kind}/${random(count)}`
  const headers: Record<string, string> = {}
  if (kind === 'spoken') headers['X-Lang'] = ['de', 'en', 'tr'][random(3)] ?? ''
  // Of what is large mostly parts, as players do.
  if (random(kind === 'large' ? 10 : 3) > 0 === (kind === 'large')) {
    const first = random(from)
    headers['Range'] = `bytes=${first}-${first + random(Math.min(from - first, 2_000_000))}`
  }
  return { at, headers }
}

/** What is wrong with it; undefined when nothing is. */
function faultOf({ at, headers }: Wish, received: Received, site: FaultSite): string | undefined {
  const { status, ended, bytes, wrong, headers: answer } = received
  if (status === 502 && at.startsWith('/broken/')) return undefined
  if (status !== 200 && status !== 206) return 'not an answer'
  const version = Number(answer['x-version'])
  if (!(version >= 1 && version <= site.newest(at))) return 'no version that ever was'
  if (at.startsWith('/spoken/') && answer['x-variant'] !== headers['X-Lang']) return 'not what was selected'
  if (wrong > 0) return 'wrong bytes'
  const { length } = bytesAt(at, version, String(answer['x-variant'] ?? ''))
  const asked = /^bytes=(\d+)-(\d+)$/.exec(status === 206 ? (headers['Range'] ?? '') : '')
  const [first, last] = [Number(asked?.[1] ?? 0), Math.min(length - 1, Number(asked?.[2] ?? Infinity))]
  if (status === 206 && answer['content-range'] !== `bytes ${first}-${last}/${length}`) return 'another range'
  const expected = last - first + 1
  if (answer['content-length'] !== undefined && Number(answer['content-length']) !== expected)
    return 'another length'
  if (ended === 'whole' && bytes !== expected) return 'a part that looks whole'
  return bytes > expected ? 'too much' : undefined
}

/** Compares as it comes; of which version it is, the answer's head says. */
class Check {
  bytes = 0
  readonly #wish: Wish
  #comparison: Comparison | undefined

  constructor(wish: Wish) {
    this.#wish = wish
  }

  head(status: number, headers: IncomingHttpHeaders): void {
    if (status !== 200 && status !== 206) return
    const { start } = bytesAt(this.#wish.at, Number(headers['x-version']), String(headers['x-variant'] ?? ''))
    const first = /^bytes (\d+)-/.exec(String(headers['content-range']))?.[1]
    this.#comparison = new Comparison(start + Number(first ?? 0))
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length
    this.#comparison?.add(chunk)
  }

  get wrong(): number {
    return this.#comparison?.wrong ?? 0
  }
}

function overHttp1(
  base: string,
  { at, headers }: Wish,
  check: Check,
  agent?: Agent,
): Promise<Received | undefined> {
  return new Promise(resolve => {
    const onAnswer = (response: IncomingMessage): void => {
      const { statusCode: status = 0, headers: answer } = response
      check.head(status, answer)
      const done = (ended: Received['ended']): void =>
        resolve({ status, headers: answer, ended, bytes: check.bytes, wrong: check.wrong })
      response.on('data', (chunk: Buffer) => check.add(chunk))
      response.on('end', () => done(response.complete ? 'whole' : 'cut'))
      response.on('error', () => done('cut'))
    }
    httpGet(`${base}${at}`, { agent: agent ?? false, headers }, onAnswer).on('error', () =>
      resolve(undefined),
    )
  })
}

function overHttp2(base: string, { at, headers }: Wish, check: Check): Promise<Received | undefined> {
  return new Promise(resolve => {
    const session = connectHttp2(base, { rejectUnauthorized: false })
    let answer: IncomingHttpHeaders | undefined
    let hasEnded = false
    const stream = session.request({ ':path': at, ...headers })
    const done = (): void => {
      const ended = hasEnded && stream.rstCode === 0 ? 'whole' : 'cut'
      session.destroy()
      const status = Number(answer?.[':status'])
      resolve(answer && { status, headers: answer, ended, bytes: check.bytes, wrong: check.wrong })
    }
    session.on('error', () => {}).on('close', done)
    stream.on('response', head => {
      answer = head
      check.head(Number(head[':status']), head)
    })
    stream.on('data', (chunk: Buffer) => check.add(chunk))
    stream.on('error', () => {})
    stream.on('end', () => (hasEnded = true))
    stream.on('close', done)
  })
}
