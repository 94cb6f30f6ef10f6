import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient, type LeaseAnswer } from '../../src/client/index.ts'
import {
  startControl,
  type ControlLimits,
  type ControlOptions,
  type RunningControl,
} from '../../src/control/index.ts'
import { newNodeId, systemClock, type RoleName } from '../../src/core/index.ts'
import { nodeTokenSource, softwareVersion, type NodeIdentity } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'
import { databaseUrlOf, makeEmptyDatabase } from './database-under-test.ts'
import type { StorageOptions } from '../../src/storage/index.ts'

export const ADMIN = `admin-${randomBytes(16).toString('hex')}`

export function newIdentity(role: RoleName): NodeIdentity {
  return { id: newNodeId(role), role, ...newNodeKey() }
}

/** A control on a fresh folder that can be closed and opened again, with one origin and one edge that it knows. */
export class ControlFixture {
  readonly root: string
  readonly origin: NodeIdentity
  readonly edge: NodeIdentity
  readonly limits: Partial<ControlLimits>
  /** How machines beside this one reach it. */
  reach: ControlOptions['reach']
  running!: RunningControl // set by open, which the maker calls

  /** Where media lies instead of a folder of its own. */
  readonly #elsewhere: StorageOptions | undefined

  private constructor(
    root: string,
    limits: Partial<ControlLimits>,
    { like, storage }: { like?: ControlFixture; storage?: StorageOptions | undefined } = {},
  ) {
    this.root = root
    this.limits = limits
    this.#elsewhere = storage
    this.origin = like?.origin ?? newIdentity('origin')
    this.edge = like?.edge ?? newIdentity('edge')
  }

  /** `prepare` gets the folder of the database before control opens it. */
  static async open(
    limits: Partial<ControlLimits> = {},
    prepare?: (dataDir: string) => Promise<void>,
    { reach, storage }: { reach?: ControlOptions['reach']; storage?: StorageOptions } = {},
  ): Promise<ControlFixture> {
    const root = await mkdtemp(join(tmpdir(), 'control-'))
    const fixture = new ControlFixture(root, limits, { storage })
    fixture.reach = reach
    await makeEmptyDatabase(fixture.options().dataDir)
    await prepare?.(fixture.options().dataDir)
    await fixture.open()
    return fixture
  }

  /** Another control on the same database (which is not PGlite), storage and nodes; to be closed before this one ends. */
  async beside(): Promise<ControlFixture> {
    const other = new ControlFixture(this.root, this.limits, { like: this, storage: this.#elsewhere })
    await other.open()
    return other
  }

  options(): ControlOptions {
    const dataDir = join(this.root, 'control')
    const databaseUrl = databaseUrlOf(dataDir)
    return {
      listen: { host: '127.0.0.1', port: 0 },
      dataDir,
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
      storage: this.#elsewhere ?? { kind: 'filesystem', folder: this.storage },
      domainSuffix: 'cdn.localhost',
      adminTokenSha256: createHash('sha256').update(ADMIN).digest('hex'),
      localNodes: [this.origin, this.edge].map(({ id, role, publicJwk }) => ({ id, role, publicJwk })),
      keeper: 'of a test',
      reach: this.reach,
      logLevel: 'silent',
      limits: { spareBytes: 0, ...this.limits },
    }
  }

  get storage(): string {
    return join(this.root, 'storage')
  }

  get url(): string {
    return `http://127.0.0.1:${this.running.port}`
  }

  get client(): ControlClient {
    return new ControlClient({ url: this.url, token: ADMIN })
  }

  /** On the port of before, so that clients find it again. */
  async open(port = 0): Promise<void> {
    this.running = await startControl({ ...this.options(), listen: { host: '127.0.0.1', port } })
  }

  async restart(): Promise<void> {
    const { port } = this.running
    await this.running.close()
    await this.open(port)
  }

  async end(): Promise<void> {
    await this.running.close()
    await rm(this.root, { recursive: true, force: true })
  }

  /** One request as a node. */
  async asNode(identity: NodeIdentity, path: string, init: RequestInit = {}): Promise<Response> {
    const token = await nodeTokenSource(identity, 'control', systemClock)()
    const said = { 'sluice-node': token, 'sluice-version': softwareVersion() }
    const headers = { ...said, 'content-type': 'application/json', ...init.headers }
    return fetch(`${this.url}${path}`, { ...init, headers })
  }

  async post(identity: NodeIdentity, path: string, body: unknown): Promise<Response> {
    return this.asNode(identity, path, { method: 'POST', body: JSON.stringify(body) })
  }

  async lease(waitSeconds = 5): Promise<LeaseAnswer | undefined> {
    const response = await this.post(this.origin, '/v1/node/jobs/lease', { wait: waitSeconds })
    return response.status === 200 ? ((await response.json()) as LeaseAnswer) : undefined // our own server's
  }

  /** Publishes at a path up to its queued job. */
  async upload(path: string, bytes: Uint8Array = randomBytes(1000)): ReturnType<ControlClient['publish']> {
    const publication = await this.client.publish({
      path,
      fileName: 'a.mp4',
      size: bytes.length,
      ladder: 'none',
    })
    await this.client.upload(publication, sourceOf(bytes))
    return publication
  }

  /** Plays the origin that packages or removes the next job. */
  async workOne(): Promise<LeaseAnswer> {
    const lease = await this.lease()
    if (!lease) throw new Error('there was no job')
    const result = lease.job.kind === 'package' ? PACKAGED : { kind: 'removed' }
    const finished = await this.post(this.origin, `/v1/node/jobs/${lease.job.id}/finish`, {
      attempt: lease.attempt,
      result,
    })
    if (finished.status !== 200) throw new Error(`finish answered ${finished.status}`)
    return lease
  }

  async publishReady(path: string): Promise<Awaited<ReturnType<ControlClient['publication']>>> {
    const publication = await this.upload(path)
    await this.workOne()
    return this.client.publication(publication.id)
  }
}

export const PACKAGED = {
  kind: 'packaged',
  durationSeconds: 12.5,
  renditions: [
    {
      name: 'video-0123456789',
      kind: 'video',
      codec: 'avc1.64001f',
      width: 1280,
      height: 720,
      bandwidth: { average: 2_000_000, peak: 3_000_000 },
      durationSeconds: 12.5,
    },
  ],
} as const

export function sourceOf(bytes: Uint8Array): {
  size: number
  read(start: number, length: number): Promise<Uint8Array>
} {
  return {
    size: bytes.length,
    read: (start, length) => Promise.resolve(bytes.subarray(start, start + length)),
  }
}

/** Looks until it is so; the deadline is for a broken build, not for luck. */
export async function until(
  what: string,
  look: () => boolean | Promise<boolean>,
  deadlineMs = 20_000,
): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`never became true: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
