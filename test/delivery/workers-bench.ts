import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { certificateFiles, ensureCertificates } from '../../src/app/certificates.ts'
import { fixPorts } from '../../src/app/ports.ts'
import { shardOf } from '../../src/cache/index.ts'
import { systemClock, type CanonicalPath } from '../../src/core/index.ts'
import type { EdgeOptions } from '../../src/delivery/index.ts'
import {
  DEFAULT_WIRE,
  NO_MATERIALS,
  type Behaviour,
  type Materials,
  type Origin,
  type Snapshot,
} from '../../src/distribution/index.ts'
import { cacheKey } from '../../src/http/index.ts'
import { loadOrCreateIdentity } from '../../src/membership/index.ts'
import { ROOT } from '../house/tree.ts'
import { FakeControl, until, type Said } from '../membership/fake-control.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'
import { withFunctions, type Written } from './functions/function-edge.ts'

/** The built tree, since processes of an edge run without a loader; `npm test` builds it first. */
const BUILT = process.env['SLUICE_TEST_DIST'] ?? path.join(ROOT, 'dist')

export interface WorkersOptions {
  workers: number
  /** Answers as the site, and as the built-in origin where a behaviour names that. */
  origin: (request: IncomingMessage, response: ServerResponse) => void
  memoryCacheBytes?: number
  /** There is no disk when it is left out. */
  diskCacheBytes?: number
  behaviours?: (Partial<Behaviour> & { pattern: string })[]
  snapshot?: Partial<Snapshot>
  /** Of the first behaviour. */
  functions?: Written[]
}

/** A real edge of several processes, before a scripted origin, told by a scripted control. */
export class WorkersBench {
  readonly http: string
  readonly https: string
  /** What the origin was asked, in order. */
  readonly asked: string[]
  /** Versions that were acknowledged, in order. */
  readonly acknowledged: number[] = []
  /** Reports of viewers, in order. */
  readonly viewers: unknown[] = []
  readonly folder: string
  output = ''
  readonly #options: WorkersOptions
  readonly #child: ChildProcess
  readonly #materials: Materials
  readonly #waiting = new Map<number, (message: Record<string, unknown>) => void>()
  readonly #closers: (() => Promise<unknown>)[]
  readonly exited: Promise<number | null>
  #snapshot: Snapshot
  #changed = deferred()
  #nextId = 1

  private constructor(
    parts: Pick<WorkersBench, 'http' | 'https' | 'asked' | 'folder'> & {
      child: ChildProcess
      snapshot: Snapshot
      materials: Materials
    },
    options: WorkersOptions,
    closers: (() => Promise<unknown>)[],
  ) {
    this.http = parts.http
    this.https = parts.https
    this.asked = parts.asked
    this.folder = parts.folder
    this.#child = parts.child
    this.#snapshot = parts.snapshot
    this.#materials = parts.materials
    this.#options = options
    this.#closers = closers
    this.exited = new Promise(resolve => this.#child.once('exit', code => resolve(code)))
    this.#child.on('message', (message: Record<string, unknown>) => {
      this.#waiting.get(Number(message['id'] ?? 0))?.(message)
    })
    const keep = (chunk: Buffer): void => void (this.output += chunk.toString())
    this.#child.stdout?.on('data', keep)
    this.#child.stderr?.on('data', keep)
  }

  static async start(options: WorkersOptions): Promise<WorkersBench> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'workers-'))
    const asked: string[] = []
    const origin = createServer((request, response) => {
      asked.push(request.url ?? '')
      options.origin(request, response)
    })
    await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
    const originUrl = `http://127.0.0.1:${(origin.address() as AddressInfo).port}` // listening on TCP
    const control = await FakeControl.start()
    const wish = (what: string): { listen: { host: string; port: number }; flag: string; what: string } => ({
      listen: { host: '127.0.0.1', port: 0 },
      ...{ flag: what, what },
    })
    const ports = await fixPorts({ http: wish('http'), https: wish('https') })
    await ensureCertificates(folder, 'cdn.localhost', systemClock.now())
    const files = certificateFiles(folder)
    const { diskCacheBytes } = options
    const cacheFolder = path.join(folder, 'cache')
    mkdirSync(cacheFolder)
    const edge: EdgeOptions = {
      http: ports.http,
      https: {
        listen: ports.https,
        certificateFile: files.certificate,
        keyFile: files.key,
        certificates: [],
      },
      controlUrl: control.url,
      originUrl,
      identity: await loadOrCreateIdentity(path.join(folder, 'edge.json'), 'edge'),
      stateDir: path.join(folder, 'state'),
      memoryCacheBytes: options.memoryCacheBytes ?? 64 * 1024 * 1024,
      ...(diskCacheBytes && { diskCache: { folder: cacheFolder, maxBytes: diskCacheBytes } }),
      workers: options.workers,
      workersFolder: path.join(folder, 'workers'),
      ...{ pop: 'test', trustedProxies: [], allowOrigins: ['127.0.0.0/8'], ownPorts: [] },
      connectionCaps: { connections: 20_000, connectionsPerAddress: 20_000 },
      accessLogFolder: path.join(folder, 'logs'),
      logLevel: 'info',
    }
    const site: Origin = { id: 'site', kind: 'http', url: originUrl, headers: [], ...DEFAULT_WIRE }
    const builtIn: Origin = { id: 'built-in', kind: 'built-in' }
    const plain = snapshotWith([site, builtIn], options.behaviours ?? [{ pattern: '*' }], options.snapshot)
    const { functions } = options
    const { snapshot, materials } =
      functions === undefined ? { snapshot: plain, materials: NO_MATERIALS } : withFunctions(plain, functions)
    const child = fork(path.join(BUILT, 'app/role-main.js'), ['edge'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // The runner's own flags are none of an edge's.
      execArgv: [],
    })
    const bench: WorkersBench = new WorkersBench(
      {
        ...{ asked, folder, child, snapshot, materials },
        http: `http://127.0.0.1:${ports.http.port}`,
        https: `https://127.0.0.1:${ports.https.port}`,
      },
      options,
      [
        () => bench.drain(),
        () => control.close(),
        () => new Promise(resolve => origin.close(resolve).closeAllConnections()),
        () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
      ],
    )
    control.answer = ({ url, headers, body }) => bench.#control(url, headers['if-none-match'], body)
    const lock = path.join(folder, 'lock')
    const started = bench.#heard(0)
    child.send({ kind: 'start', role: 'edge', options: edge, lock })
    const ended = bench.exited.then(code => ({ kind: 'ended', code }))
    const answer: Record<string, unknown> = await Promise.race([started, ended])
    if (answer['kind'] !== 'started') throw new Error(`${JSON.stringify(answer)}\n${bench.output}`)
    await until('the first snapshot is applied everywhere', () => bench.acknowledged.length > 0)
    return bench
  }

  /** What control says now. */
  get snapshot(): Snapshot {
    return this.#snapshot
  }

  /** What control says from now on; resolves when the edge has acknowledged it. */
  async tell(change: Partial<Snapshot>): Promise<void> {
    const version = this.#snapshot.version + 1
    this.#snapshot = { ...this.#snapshot, ...change, version }
    this.#changed.resolve()
    this.#changed = deferred()
    await until(`version ${version} is acknowledged`, () => this.acknowledged.includes(version))
  }

  async metrics(): Promise<string> {
    return String((await this.#ask('metrics'))['text'])
  }

  /** One sample, or the sum of those whose labels hold `label`. */
  async metric(name: string, label = ''): Promise<number> {
    const lines = (await this.metrics())
      .split('\n')
      .filter(line => line.startsWith(`${name}{`) && line.includes(label))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Processes of the workers, oldest first: so far as none was replaced, that of the worker in its place. */
  pids(): number[] {
    const text = execFileSync('pgrep', ['-P', String(this.#child.pid)]).toString()
    return text.trim().split('\n').map(Number)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The place of the worker that owns a path. */
  ownerOf(at: string, query = ''): number {
    return shardOf(cacheKey(DISTRIBUTION, at as CanonicalPath, query)) % this.#options.workers // a test's own path
  }

  /** A path that the worker in this place owns. */
  pathOwnedBy(place: number, name: string, query = ''): string {
    for (let n = 0; ; n++) {
      const at = `/${name}-${n}`
      if (this.ownerOf(at, query) === place) return query === '' ? at : `${at}?${query}`
    }
  }

  accessLines(): Record<string, unknown>[] {
    const folder = path.join(this.folder, 'logs')
    return readdirSync(folder).flatMap(
      name =>
        readFileSync(path.join(folder, name), 'utf8')
          .split('\n')
          .filter(line => line !== '')
          .map(line => JSON.parse(line) as Record<string, unknown>), // as it is written
    )
  }

  /** As its supervisor does. */
  async drain(): Promise<void> {
    if (this.#child.connected) this.#child.send({ kind: 'drain' })
    await this.exited
  }

  /** As when its supervisor is killed. */
  letGo(): void {
    this.#child.disconnect()
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close()
  }

  async #control(url: string, match: string | undefined, body: unknown): Promise<Said> {
    if (url === '/v1/node/viewers') {
      this.viewers.push(body)
      return { status: 204 }
    }
    const blob = /^\/v1\/node\/blobs\/(\w+)$/.exec(url)?.[1]
    if (blob !== undefined) {
      const headers = { 'content-type': 'application/octet-stream' }
      return { status: 200, body: Buffer.from(this.#materials.get(blob) ?? ''), headers }
    }
    const known = Number(match?.replaceAll('"', '') ?? 0)
    if (known > 0) this.acknowledged.push(known)
    while (known === this.#snapshot.version) await this.#changed.promise
    return { status: 200, body: this.#snapshot, headers: { 'sluice-epoch': 'e1' } }
  }

  #ask(what: 'metrics' | 'health'): Promise<Record<string, unknown>> {
    const id = this.#nextId++
    const heard = this.#heard(id)
    this.#child.send({ kind: 'ask', id, what })
    return heard
  }

  #heard(id: number): Promise<Record<string, unknown>> {
    return new Promise(resolve => this.#waiting.set(id, resolve))
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve }
}
