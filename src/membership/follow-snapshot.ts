import { messageOf, SluiceError, systemClock, type Clock, type Milliseconds } from '../core/index.ts'
import { readSnapshot, type Blob, type Materials, type Snapshot } from '../distribution/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { BackOff } from './back-off.ts'
import { controlLink, refusalOf, type ControlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { materialsFor, sweepMaterials } from './stored-materials.ts'
import { loadSnapshot, saveSnapshot, type EpochSnapshot } from './stored-snapshot.ts'
import { nodeTokenSource } from './token-source.ts'

export interface FollowOptions extends ControlPlace {
  identity: NodeIdentity
  /** Holds `snapshot.json`. */
  stateDir: string
  /**
   * Awaited before the version is acknowledged. When it throws, the old version stays and it is tried again. `materials`
   * are all blobs that the snapshot names.
   */
  apply(snapshot: Snapshot, materials: Materials): void | Promise<void>
  log: Logger
  clock?: Clock
  /** How long control may hold a poll. */
  waitSeconds?: number
}

/** So long a start waits for control before it takes the snapshot of the last run. */
const FIRST_ANSWER: Milliseconds = 1_000

/** Of eight megabytes, over a slow line. */
const BLOB_WITHIN: Milliseconds = 60_000

export interface SnapshotFollower {
  /** The version that was applied last; undefined until the first was. */
  current(): Snapshot | undefined
  /** Resolves once a snapshot was applied, from disk or from control; rejects when closed before. */
  readonly started: Promise<void>
  /** Whether the last poll reached control. */
  connected(): boolean
  close(): Promise<void>
}

/**
 * Keeps a node's snapshot in step with control: long-polls, applies, stores, acknowledges by the next poll's
 * `If-None-Match`. While control is away the node goes on with what it has, and starts with what lies on its disk.
 *
 * Within one epoch the version never goes back: an older one is ignored. Another epoch means that control's database
 * was made anew or restored, and then its version counts whatever its number.
 */
export function followSnapshot(options: FollowOptions): SnapshotFollower {
  return new Follower(options)
}

class Follower implements SnapshotFollower {
  readonly started: Promise<void>
  readonly #options: FollowOptions
  readonly #ask: ControlLink
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #applied: EpochSnapshot | undefined
  #connected = false
  /** Why a snapshot was not applied, since the last that was. */
  #told: string | undefined
  #resolveStarted: () => void = () => {}

  constructor(options: FollowOptions) {
    this.#options = options
    const clock = options.clock ?? systemClock
    this.#ask = controlLink(options, nodeTokenSource(options.identity, 'control', clock), clock)
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve
      this.#closing.signal.addEventListener('abort', () => {
        reject(new SluiceError('closed', 'the node was closed before it had a snapshot'))
      })
    })
    // Who does not wait for the start is not killed by its rejection.
    this.started.catch(() => {})
    this.#running = this.#run()
  }

  current(): Snapshot | undefined {
    return this.#applied?.snapshot
  }

  connected(): boolean {
    return this.#connected
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { stateDir, log } = this.#options
    const stored = await loadSnapshot(stateDir, log)
    if (stored) await this.#begin(stored)
    const backOff = new BackOff()
    while (!this.#closing.signal.aborted) {
      try {
        const next = await this.#poll()
        this.#connected = true
        if (next) await this.#take(next)
        this.#told = undefined
        backOff.reset()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#complain(error)
        await backOff.pause(this.#closing.signal)
      }
    }
  }

  /**
   * Control knows what was undone while this node was away, so what lies on the disk counts only where control does not
   * say anything newer: it is asked once, and waited for no longer than a restart may take.
   */
  async #begin(stored: EpochSnapshot): Promise<void> {
    const inTime = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(FIRST_ANSWER)])
    const controls = this.#options.membership?.controls.length ?? 1
    for (let turn = 0; turn < controls && !inTime.aborted && !this.#connected; turn++) {
      try {
        const next = await this.#poll(inTime)
        this.#connected = true
        // What it names may be long in coming, or not come at all.
        if (next && !isBefore(next, stored)) return await this.#take(next, inTime)
      } catch (error) {
        if (!inTime.aborted) this.#complain(error)
      }
    }
    if (!this.#closing.signal.aborted) await this.#apply(stored).catch(error => this.#complain(error))
  }

  #complain(error: unknown): void {
    const away = error instanceof SluiceError && error.code === 'control-away'
    // That control is away is told by who reports health to it.
    const { log } = this.#options
    if (away) this.#connected = false
    // One line for each reason, not one for each try.
    else if (this.#told !== messageOf(error))
      log.warn({ error: (this.#told = messageOf(error)) }, 'snapshot not applied')
  }

  async #poll(signal = this.#closing.signal): Promise<EpochSnapshot | undefined> {
    const known = this.#applied?.words === 'other' ? undefined : this.#applied
    const waitSeconds = known ? (this.#options.waitSeconds ?? 25) : 0
    const answer = await this.#ask({
      method: 'GET',
      path: `/v1/node/snapshot?wait=${waitSeconds}`,
      headers: known ? { 'if-none-match': `"${known.snapshot.version}"`, 'sluice-epoch': known.epoch } : {},
      signal,
      waitSeconds,
    })
    if (answer.status === 304) return undefined
    if (answer.status !== 200) {
      throw refusalOf(answer, 'when asked for the snapshot')
    }
    return { epoch: String(answer.headers['sluice-epoch'] ?? ''), snapshot: readSnapshot(answer.body) }
  }

  /** The signal bounds what is asked of control for it. */
  async #take(next: EpochSnapshot, signal = this.#closing.signal): Promise<void> {
    const known = this.#applied
    const same = known?.words === 'other' && known.snapshot.version === next.snapshot.version
    if (known?.epoch === next.epoch && next.snapshot.version <= known.snapshot.version && !same) {
      throw new SluiceError(
        'snapshot-older',
        `control offered version ${next.snapshot.version}, older than ${known.snapshot.version}, which is applied`,
        { side: 'upstream' },
      )
    }
    await this.#apply(next, signal)
    try {
      await saveSnapshot(this.#options.stateDir, next)
      // Not before: a start without control begins with what is stored, and needs what that names.
      await sweepMaterials(this.#options.stateDir, next.snapshot)
    } catch (error) {
      // The node serves the version all the same; only a start without control would be behind.
      this.#options.log.warn({ error: messageOf(error) }, 'snapshot not stored')
    }
  }

  async #fetch({ sha256 }: Blob, signal: AbortSignal): Promise<Uint8Array> {
    const path = `/v1/node/blobs/${sha256}`
    const answer = await this.#ask({ method: 'GET', path, signal, within: BLOB_WITHIN })
    if (answer.status === 200 && answer.body instanceof Uint8Array) return answer.body
    throw refusalOf(answer, `when asked for the blob ${sha256}`)
  }

  async #apply(next: EpochSnapshot, signal = this.#closing.signal): Promise<void> {
    const { stateDir } = this.#options
    const materials = await materialsFor(stateDir, next.snapshot, blob => this.#fetch(blob, signal))
    await this.#options.apply(next.snapshot, materials)
    this.#applied = next
    this.#resolveStarted()
    const { membership, log } = this.#options
    // Only a start without that one control would miss the others.
    membership?.learn(next.snapshot.controls ?? membership.controls).catch((error: unknown) => {
      log.warn({ error: messageOf(error) }, 'where controls are was not stored')
    })
    log.info({ version: next.snapshot.version }, 'snapshot applied')
  }
}

/** Within one epoch; across epochs versions say nothing. */
function isBefore(one: EpochSnapshot, other: EpochSnapshot): boolean {
  return one.epoch === other.epoch && one.snapshot.version < other.snapshot.version
}
