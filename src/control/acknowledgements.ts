import type { Clock, Instant, Milliseconds, NodeId } from '../core/index.ts'
import type { Acknowledgements as AcknowledgementsOfVersion, NodeInfo } from '../client/index.ts'
import type { PeerNode } from '../distribution/index.ts'
import { Bell, poll } from './bell.ts'

interface Seen {
  /** When each version was acknowledged, oldest first, the newest last. */
  versions: { version: number; at: Instant }[]
  lastSeen: Instant
  /** Polls that are open now. */
  open: number
}

/** A node counts as live this long after its last poll: longer than a restart takes. */
const LIVE_FOR: Milliseconds = 15_000
/** Nodes are given this long after control's own start before they count as away. */
const START_GRACE: Milliseconds = 5_000
const REMEMBERED = 200

/** Who has applied what. In memory: after a restart of control each node says it again with its next poll. */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #madeAt: (version: number) => Instant | undefined
  readonly #startedAt: Instant
  readonly #seen = new Map<NodeId, Seen>()
  readonly #bell = new Bell()

  constructor(clock: Clock, madeAt: (version: number) => Instant | undefined) {
    this.#clock = clock
    this.#madeAt = madeAt
    this.#startedAt = clock.now()
  }

  /** A node asks for the snapshot and says what it has applied; to be called back when the poll ends. */
  polled(id: NodeId, version: number | undefined): () => void {
    const seen = this.#of(id)
    seen.lastSeen = this.#clock.now()
    seen.open++
    if (version !== undefined && seen.versions.at(-1)?.version !== version) {
      // A version that went down is of a database that began anew: what came before says nothing.
      if (version < (seen.versions.at(-1)?.version ?? 0)) seen.versions.length = 0
      seen.versions.push({ version, at: seen.lastSeen })
      if (seen.versions.length > REMEMBERED) seen.versions.shift()
    }
    this.#bell.ring()
    return () => {
      seen.open--
      seen.lastSeen = this.#clock.now()
    }
  }

  /** A node spoke of something else. */
  heard(id: NodeId): void {
    this.#of(id).lastSeen = this.#clock.now()
  }

  /** Waits until all live nodes have the version, or the time is over. */
  async of(
    version: number,
    nodes: () => Promise<PeerNode[]>,
    wait: { span: Milliseconds; signal: AbortSignal },
  ): Promise<AcknowledgementsOfVersion> {
    let state = this.#state(version, await nodes())
    await poll(this.#bell, { ...wait, every: 1_000 }, async () => {
      state = this.#state(version, await nodes())
      return state.missing.length === 0 ? state : undefined
    })
    return state
  }

  info({ id, role }: PeerNode): NodeInfo {
    const seen = this.#seen.get(id)
    return {
      id,
      role,
      state: this.#isLive(id) ? 'live' : 'away',
      version: seen?.versions.at(-1)?.version ?? null,
      lastSeen: seen ? new Date(seen.lastSeen).toISOString() : null,
    }
  }

  #of(id: NodeId): Seen {
    let seen = this.#seen.get(id)
    if (!seen) this.#seen.set(id, (seen = { versions: [], lastSeen: this.#clock.now(), open: 0 }))
    return seen
  }

  #state(version: number, nodes: PeerNode[]): AcknowledgementsOfVersion {
    const state: AcknowledgementsOfVersion = { version, acknowledged: [], missing: [] }
    for (const { id, role } of nodes) {
      if (role === 'control') continue
      const at = this.#seen.get(id)?.versions.find(one => one.version >= version)?.at
      if (at !== undefined)
        state.acknowledged.push({ id, ms: Math.max(0, at - (this.#madeAt(version) ?? at)) })
      else if (this.#isLive(id)) state.missing.push(id)
    }
    return state
  }

  #isLive(id: NodeId): boolean {
    const now = this.#clock.now()
    const seen = this.#seen.get(id)
    if (!seen) return now - this.#startedAt < START_GRACE
    return seen.open > 0 || now - seen.lastSeen < LIVE_FOR
  }
}
