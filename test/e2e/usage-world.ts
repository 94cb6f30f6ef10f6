import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request as httpRequest, type Server } from 'node:http'
import { networkInterfaces } from 'node:os'
import path from 'node:path'
import type { AddressInfo } from 'node:net'
import { codeOf, pause } from '../../src/core/index.ts'
import { LedgerReader } from '../../src/telemetry/index.ts'
import { childOf, kill, whole } from './roles.ts'
import { startRole, startSluice, temporaryFolder, until, type RoleReady, type Sluice } from './sluice.ts'

/** What can be killed: a regional cache where other machines could join. */
export type Victim = 'control' | 'origin' | 'edge' | 'worker' | 'regional'

/** Requests and bytes, by what is asked for. */
export interface Reckoning {
  requests: number
  bytes: number
}

const SMALL = 3_000
const LONG = 300_000
const VIEWERS = 8

/** One thing that viewers ask for. */
interface Wish {
  method: 'GET' | 'POST'
  path: string
  /** Of the whole answer. */
  length: number
  submitted: number
}

function wish(turn: number): Wish {
  const kinds: Wish[] = [
    { method: 'GET', path: `/kept/${turn % 50}`, length: SMALL, submitted: 0 },
    { method: 'GET', path: `/kept/hot`, length: SMALL, submitted: 0 },
    { method: 'GET', path: `/long/${turn % 20}`, length: LONG, submitted: 0 },
    { method: 'GET', path: `/new/${turn}`, length: SMALL, submitted: 0 },
    { method: 'POST', path: '/form', length: SMALL, submitted: 5_000 },
  ]
  const [first] = kinds
  return kinds[turn % kinds.length] ?? (first as Wish) // there are five
}

/** A site that counts what it is asked and what it says. */
class CountingSite {
  asked = 0
  /** Bytes that were given to connections. */
  said = 0
  heard = 0
  readonly server: Server = createServer((request, response) => {
    this.asked++
    request.on('data', (chunk: Buffer) => (this.heard += chunk.length))
    request.on('end', () => {
      const isNew = request.method === 'POST' || request.url?.startsWith('/new/')
      const length = request.url?.startsWith('/long/') ? LONG : SMALL
      this.said += length
      response.writeHead(200, {
        'Cache-Control': isNew ? 'no-store' : 'max-age=7200',
        'Content-Length': length,
      })
      response.end(Buffer.alloc(length, request.url))
    })
  })
}

/** Viewers that ask on and on, and count what they got as a whole. */
class CountingViewers {
  /** By method; of what came as a whole. */
  readonly whole = { GET: { requests: 0, bytes: 0 }, POST: { requests: 0, bytes: 0 } }
  /** What was not whole: at most this was counted of it. */
  readonly broken = { GET: { requests: 0, bytes: 0 }, POST: { requests: 0, bytes: 0 } }
  /** Of whole answers that nobody keeps. */
  fresh = 0
  submitted = { whole: 0, broken: 0 }
  readonly #agent = new Agent({ keepAlive: true, maxSockets: VIEWERS })
  readonly #url: string
  #going = true
  #turn = 0
  readonly #running: Promise<void>[]

  constructor(url: string) {
    this.#url = url
    this.#running = Array.from({ length: VIEWERS }, () => this.#view())
  }

  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#running)
    this.#agent.destroy()
  }

  async #view(): Promise<void> {
    while (this.#going) {
      const asked = wish(this.#turn++)
      const got = await this.#ask(asked)
      // Nobody listens: nothing was asked.
      if (got === 'refused') {
        await pause(20)
        continue
      }
      const isWhole = got === asked.length
      const into = (isWhole ? this.whole : this.broken)[asked.method]
      into.requests++
      into.bytes += asked.length
      this.submitted[isWhole ? 'whole' : 'broken'] += asked.submitted
      if (isWhole && (asked.method === 'POST' || asked.path.startsWith('/new/'))) this.fresh += asked.length
      // An edge that is away refuses faster than it could answer.
      if (!isWhole) await pause(20)
    }
  }

  /** Bytes that came of an answer that is 200; `broken` where it broke off, or was another. */
  #ask({ method, path: target, submitted }: Wish): Promise<number | 'broken' | 'refused'> {
    return new Promise(resolve => {
      const broken = (error?: Error): void => resolve(codeOf(error) === 'ECONNREFUSED' ? 'refused' : 'broken')
      const asking = httpRequest(`${this.#url}${target}`, { method, agent: this.#agent }, answer => {
        let bytes = 0
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length))
        answer.on('end', () => resolve(answer.statusCode === 200 && answer.complete ? bytes : 'broken'))
        answer.on('error', broken).on('close', () => broken())
      })
      asking.on('error', broken).setTimeout(20_000, () => asking.destroy())
      asking.end(submitted > 0 ? Buffer.alloc(submitted, 'x') : undefined)
    })
  }
}

/** Where other machines would come from. */
const address = Object.values(networkInterfaces())
  .flatMap(each => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

/** A whole Sluice with two workers before a site that counts, and viewers that count. */
export class UsageWorld {
  readonly victims: Victim[]
  readonly #folder = temporaryFolder('usage')
  readonly #site = new CountingSite()
  #sluice: Sluice | undefined
  #regional: Sluice<RoleReady> | undefined
  #viewers: CountingViewers | undefined
  #distribution = ''
  #kills = 0

  constructor() {
    const here: Victim[] = ['control', 'origin', 'edge', 'worker']
    this.victims = address === undefined ? here : [...here, 'regional']
  }

  async start(): Promise<void> {
    const { server } = this.#site
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo // listening on TCP
    const allow = ['--allow-origin', '127.0.0.0/8']
    const reach = address === undefined ? [] : ['--control', `${address}:0`]
    const data = path.join(this.#folder, 'up')
    const sluice = await startSluice({ data, args: ['--edge-workers', '2', ...allow, ...reach] })
    this.#sluice = sluice
    this.#distribution = sluice.ready.distribution.id
    if (address !== undefined) {
      const token = await sluice.cli<{ token: string }>('nodes', 'token', '--role', 'regional', '--pop', 'eu')
      const args = [...allow, '--regional', `${address}:0`]
      const own = { data: path.join(this.#folder, 'regional'), args }
      this.#regional = await startRole('regional', token.json.token, own)
    }
    const file = path.join(this.#folder, 'site.json')
    const behaviours = [{ pattern: '*', methods: 'all' }]
    writeFileSync(file, JSON.stringify({ origin: `http://127.0.0.1:${port}`, behaviours }))
    const updated = await sluice.cli('distribution', 'update', this.#distribution, '--file', file)
    if (updated.code !== 0) throw new Error(updated.stderr)
    await until('the site is served', async () => {
      const answer = await fetch(`${sluice.ready.http}/kept/first`).catch(() => undefined)
      await answer?.arrayBuffer()
      return answer?.status === 200 ? true : undefined
    })
    this.#viewers = new CountingViewers(sluice.ready.http)
  }

  /** Ends a process as the kernel would, and waits until all is whole again. */
  async kill(victim: Victim): Promise<void> {
    const sluice = running(this.#sluice)
    this.#kills++
    if (victim === 'regional') {
      const { ready } = running(this.#regional)
      const pid = await childOf(ready.pid, 'regional')
      if (pid === undefined) throw new Error('the regional cache is not running')
      process.kill(pid, 'SIGKILL')
      await until('the regional cache is ready again', async () => {
        const answer = await fetch(`${ready.admin}/readyz`).catch(() => undefined)
        return answer?.status === 200 ? true : undefined
      })
    } else if (victim === 'worker') {
      const edge = await childOf(sluice.ready.pid, 'edge')
      const workers = execFileSync('pgrep', ['-P', String(edge)])
        .toString()
        .trim()
        .split('\n')
      process.kill(Number(workers[this.#kills % workers.length]), 'SIGKILL')
    } else await kill(sluice, victim)
    await whole(sluice)
  }

  /** Ends everything in good order, and gives what each side has counted. */
  async reckon(): Promise<{
    ledger: Record<string, number>
    viewers: CountingViewers
    site: CountingSite
    /** At most so many questions were under way when something was killed. */
    underWay: number
  }> {
    const viewers = running(this.#viewers)
    await viewers.stop()
    await this.#regional?.close()
    await this.#sluice?.close()
    const ledger: Record<string, number> = {}
    for (const folder of [path.join(this.#folder, 'up/edge'), path.join(this.#folder, 'regional/regional')])
      for (const [type, amount] of countedBelow(path.join(folder, 'usage'), this.#distribution))
        ledger[type] = (ledger[type] ?? 0) + amount
    return { ledger, viewers, site: this.#site, underWay: this.#kills * VIEWERS }
  }

  async close(): Promise<void> {
    await this.#viewers?.stop()
    await this.#regional?.close()
    await this.#sluice?.close()
    this.#site.server.closeAllConnections()
    this.#site.server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function running<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it was not started')
  return value
}

/** All entries of all books of a node, which have to begin with 1 and follow on one another. */
function* countedBelow(folder: string, distribution: string): Generator<[string, number]> {
  for (const book of readFolders(folder)) {
    const entries = new LedgerReader(path.join(folder, book))
    for (let next = 1; ;) {
      const some = entries.from(next)
      if (some.length === 0) break
      for (const { sequence, amounts } of some) {
        if (sequence !== next++) throw new Error(`book ${book} lacks entry ${next - 1}`)
        for (const each of amounts) if (each.distribution === distribution) yield [each.type, each.amount]
      }
    }
  }
}

function readFolders(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
