import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { fixPorts } from '../../src/app/ports.ts'
import { fileIdOf, isName } from '../../src/cache/disk/file-id.ts'
import { Layout } from '../../src/cache/disk/layout.ts'
import { shardOf } from '../../src/cache/index.ts'
import { systemClock, type CanonicalPath } from '../../src/core/index.ts'
import type { EdgeOptions } from '../../src/delivery/index.ts'
import { DEFAULT_WIRE, type Origin } from '../../src/distribution/index.ts'
import { cacheKey } from '../../src/http/index.ts'
import { loadOrCreateIdentity } from '../../src/membership/index.ts'
import { ROOT } from '../house/tree.ts'
import { FakeControl, until } from '../membership/fake-control.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'

/** The built tree, since the process runs without a loader; `npm test` builds it first. */
const BUILT = process.env['SLUICE_TEST_DIST'] ?? path.join(ROOT, 'dist')

export interface FaultEdgeOptions {
  originUrl: string
  memoryCacheBytes: number
  diskBytes: number
  workers?: number
  /** Where the disk tier lies; a folder of its own unless given. */
  disk?: string
}

/** A real edge in processes of its own, killed and started again on what it left behind. */
export class FaultEdge {
  readonly http: string
  readonly https: string
  readonly disk: string
  /** Ends that nobody asked for, and what went before them. */
  readonly deaths: string[] = []
  output = ''
  readonly #folder: string
  readonly #options: EdgeOptions
  readonly #control: FakeControl
  readonly #doomed = new Set<ChildProcess>()
  #child: ChildProcess
  /** Loads its code while the one before it still runs. */
  #spare: ChildProcess
  #up = deferred()
  #asked = 1

  private constructor(folder: string, options: EdgeOptions, control: FakeControl) {
    this.#folder = folder
    this.#options = options
    this.#control = control
    this.http = `http://127.0.0.1:${options.http.port}`
    this.https = `https://127.0.0.1:${options.https.listen.port}`
    this.disk = options.diskCache?.folder ?? ''
    this.#child = this.#fork()
    this.#spare = this.#fork()
  }

  static async start(options: FaultEdgeOptions): Promise<FaultEdge> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'faults-'))
    const site: Origin = { id: 'site', kind: 'http', url: options.originUrl, headers: [], ...DEFAULT_WIRE }
    const snapshot = snapshotWith([site], [{ pattern: '*', forward: 'all' }])
    const control = await FakeControl.start()
    control.answer = ({ url, headers }) => {
      if (url === '/v1/node/viewers') return { status: 204 }
      // Nothing ever changes: who knows it waits.
      if (headers['if-none-match'] !== undefined) return new Promise(() => {})
      return { status: 200, body: snapshot, headers: { 'sluice-epoch': 'e1' } }
    }
    const wish = (what: string) => ({ listen: { host: '127.0.0.1', port: 0 }, flag: what, what })
    const ports = await fixPorts({ http: wish('http'), https: wish('https') })
    await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
    const files = certificateFiles(folder)
    const edge = new FaultEdge(
      folder,
      {
        http: ports.http,
        https: { listen: ports.https, certificateFile: files.certificate, keyFile: files.key },
        ...{
          controlUrl: control.url,
          originUrl: options.originUrl,
          memoryCacheBytes: options.memoryCacheBytes,
        },
        identity: await loadOrCreateIdentity(path.join(folder, 'edge.json'), 'edge'),
        stateDir: path.join(folder, 'state'),
        diskCache: { folder: options.disk ?? path.join(folder, 'cache'), maxBytes: options.diskBytes },
        ...{ workers: options.workers ?? 1, workersFolder: path.join(folder, 'workers') },
        ...{ pop: 'test', trustedProxies: [], allowOrigins: ['127.0.0.0/8'], ownPorts: [] },
        connectionCaps: { connections: 20_000, connectionsPerAddress: 20_000 },
        ...{ accessLogFolder: path.join(folder, 'logs'), logLevel: 'info' },
      },
      control,
    )
    await edge.#begin()
    edge.#up.resolve()
    return edge
  }

  /** Resolves when viewers can be served; at once while it runs. */
  get up(): Promise<void> {
    return this.#up.promise
  }

  /** As the kernel would, in the middle of whatever it does. Resolves when it is gone, and its workers with it. */
  async kill(): Promise<void> {
    this.#up = deferred()
    const workers = childrenOf(this.#child.pid)
    await this.#end(this.#child)
    // They end by themselves once nobody is above them, and until then they write and delete.
    await until('the workers are gone', () => !workers.some(isRunning), 20_000)
  }

  /** On the same ports and folders; nobody waits for `up` until it is opened. */
  async restart(): Promise<void> {
    this.#child = this.#spare
    await this.#begin()
  }

  open(): void {
    this.#up.resolve()
    this.#spare = this.#fork()
  }

  /** What its log says of a request. */
  told(id: string | string[] | undefined): string {
    const lines = this.output.split('\n')
    return id === undefined ? '' : lines.filter(line => line.includes(`"${String(id)}"`)).join('\n')
  }

  async metric(name: string): Promise<number> {
    const text = String((await this.#ask('metrics'))['text'])
    const lines = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Where the answer to a plain request for this path lies when it is on disk. */
  fileOf(at: string): string {
    const key = cacheKey(DISTRIBUTION, at as CanonicalPath, '') // a test's own path
    return new Layout(this.disk).object(shardOf(key), fileIdOf(key))
  }

  /** What was being written when it was killed. */
  asides(): string[] {
    return entriesOf(new Layout(this.disk).aside)
  }

  /** Every file of an object. */
  files(): string[] {
    const shards = entriesOf(this.disk).filter(name => /^[0-9a-f]{2}$/.test(name))
    return shards.flatMap(shard => {
      const folder = path.join(this.disk, shard)
      const names = entriesOf(folder).filter(isName)
      return names.map(name => path.join(folder, name))
    })
  }

  async close(): Promise<void> {
    this.#up.resolve()
    await Promise.all([this.#child, this.#spare].map(child => this.#end(child)))
    await this.#control.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(child: ChildProcess): Promise<void> {
    this.#doomed.add(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  #fork(): ChildProcess {
    const child = fork(path.join(BUILT, 'app/role-main.js'), ['edge'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const keep = (chunk: Buffer): void =>
      void (this.output = (this.output + chunk.toString()).slice(-200_000))
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('exit', (code, signal) => {
      if (!this.#doomed.has(child)) this.deaths.push(`${code ?? signal}\n${this.output.slice(-2_000)}`)
    })
    return child
  }

  async #begin(): Promise<void> {
    const child = this.#child
    const started = heard(child, message => message['kind'] === 'started' || message['kind'] === 'failed')
    child.send({ kind: 'start', role: 'edge', options: this.#options, lock: path.join(this.#folder, 'lock') })
    const answer = await started
    if (answer['kind'] !== 'started') throw new Error(`${JSON.stringify(answer)}\n${this.output}`)
    const deadline = Date.now() + 20_000
    while (JSON.stringify((await this.#ask('health'))['health']) !== '{"kind":"ready"}') {
      if (Date.now() > deadline) throw new Error(`never ready\n${this.output}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  #ask(what: 'metrics' | 'health'): Promise<Record<string, unknown>> {
    const id = this.#asked++
    const answer = heard(this.#child, message => message['id'] === id)
    this.#child.send({ kind: 'ask', id, what })
    return answer
  }
}

/** The first such message; rejects when the process ends without it. */
function heard(
  child: ChildProcess,
  isIt: (message: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      child.off('message', onMessage).off('exit', onExit)
      settle()
    }
    const onMessage = (message: Record<string, unknown>): void => {
      if (isIt(message)) end(() => resolve(message))
    }
    const onExit = (): void => end(() => reject(new Error('the edge has ended by itself')))
    child.on('message', onMessage).on('exit', onExit)
  })
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

interface Deferred {
  promise: Promise<void>
  resolve: () => void
}

function deferred(): Deferred {
  let resolve = (): void => {}
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}

function childrenOf(pid: number | undefined): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
