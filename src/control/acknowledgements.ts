import type { Clock, Instant, Milliseconds, NodeId } from '../core/index.ts'
import type { Acknowledgements as AcknowledgementsOfVersion, NodeInfo } from '../client/index.ts'
import type { PeerNode } from '../distribution/index.ts'
import { Bell, poll } from './bell.ts'
import type { NodeState } from './database/index.ts'

interface Seen {
  /** When each version was acknowledged, oldest first, the newest last. */
  versions: { version: number; at: Instant }[]
  /** When it last said what it has applied. */
  saidAt: Instant
  lastSeen: Instant
  /** When it last spoke to this process; undefined where only others have told of it. */
  here: Instant | undefined
  /** Polls that are open now. */
  open: number
}

/** A node counts as live this long after its last poll: longer than a restart takes. */
export const LIVE_FOR: Milliseconds = 15_000
/** Nodes are given this long after control's own start before they count as away. */
const START_GRACE: Milliseconds = 5_000
const REMEMBERED = 200
/** Longer than an upgrade of a machine takes to be noticed by somebody. */
const GONE_AFTER: Milliseconds = 5 * 60_000

type SeenInfo = Pick<
  NodeInfo,
  'id' | 'role' | 'state' | 'draining' | 'version' | 'lastSeen' | 'pop' | 'viewers'
>

/**
 * Who has applied what. In memory: after a restart of control each node says it again with its next poll. Where several
 * controls share a database, a node asks one of them and that one tells the others (`node-gossip.ts`).
 */
export class Acknowledgements {
  readonly #clock: Clock
  readonly #madeAt: (version: number) => Instant | undefined
  readonly #startedAt: Instant
  readonly #seen = new Map<NodeId, Seen>()
  readonly #bell = new Bell()
  #applied: () => void = () => {}

  constructor(clock: Clock, madeAt: (version: number) => Instant | undefined) {
    this.#clock = clock
    this.#madeAt = madeAt
    this.#startedAt = clock.now()
  }

  /** Calls back whenever a node has said here that it has applied another version. */
  onApplied(listener: () => void): void {
    this.#applied = listener
  }

  /** A node asks for the snapshot and says what it has applied; to be called back when the poll ends. */
  polled(id: NodeId, version: number | undefined): () => void {
    const seen = this.#spoke(id)
    seen.open++
    if (version !== undefined) {
      seen.saidAt = seen.lastSeen
      if (this.#said(seen, version) === 'news') this.#applied()
    }
    this.#bell.ring()
    return () => {
      seen.open--
      this.#spoke(id)
    }
  }

  /** A node spoke of something else. */
  heard(id: NodeId): void {
    this.#spoke(id)
  }

  /** The nodes that speak to this process, for others. */
  ours(): NodeState[] {
    const now = this.#clock.now()
    return [...this.#seen].flatMap(([id, { versions, saidAt, here, open }]) => {
      const spoke = open > 0 ? now : here
      if (spoke === undefined || now - spoke >= LIVE_FOR) return []
      const said = Math.max(0, now - saidAt)
      return [{ id, version: versions.at(-1)?.version ?? null, said, seen: Math.max(0, now - spoke) }]
    })
  }

  /** What another process says of the nodes that speak to it. Whoever heard of a node last is believed. */
  learn(states: readonly NodeState[]): void {
    const now = this.#clock.now()
    for (const { id, version, said, seen: since } of states) {
      const seen = this.#of(id as NodeId) // compared with those of the snapshot
      seen.lastSeen = Math.max(seen.lastSeen, now - since) as Instant // the later of two instants
      const saidAt = (now - said) as Instant // an earlier instant
      if (version === null || saidAt <= seen.saidAt) continue
      seen.saidAt = saidAt
      this.#said(seen, version)
    }
    this.#bell.ring()
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

  /** The live nodes that do not have the version, as of now. */
  lacking(version: number, nodes: PeerNode[]): string[] {
    return this.#state(version, nodes).missing
  }

  info({ id, role, pop = null, draining = false, viewers }: PeerNode): SeenInfo {
    const seen = this.#seen.get(id)
    return {
      ...{ id, role, draining },
      state: !this.#isLive(id) ? 'away' : draining ? 'draining' : 'live',
      version: seen?.versions.at(-1)?.version ?? null,
      lastSeen: seen ? new Date(seen.lastSeen).toISOString() : null,
      ...{ pop, viewers: viewers ?? null },
    }
  }

  /** Whether nothing was heard of it for minutes, by this process or another. */
  isGone(id: NodeId): boolean {
    return this.silence(id).span >= GONE_AFTER
  }

  /** How long nothing was heard of a node, and whether anything was since this process began. */
  silence(id: NodeId): { span: Milliseconds; heard: 'since-the-start' | 'never' } {
    const seen = this.#seen.get(id)
    const lastSeen = seen?.lastSeen ?? 0
    const heard = lastSeen > 0 ? 'since-the-start' : 'never'
    if (seen !== undefined && seen.open > 0) return { span: 0, heard }
    return { span: this.#clock.now() - Math.max(this.#startedAt, lastSeen), heard }
  }

  #of(id: NodeId): Seen {
    let seen = this.#seen.get(id)
    if (!seen) {
      const never = 0 as Instant // before all others
      seen = { versions: [], saidAt: never, lastSeen: never, here: undefined, open: 0 }
      this.#seen.set(id, seen)
    }
    return seen
  }

  #spoke(id: NodeId): Seen {
    const seen = this.#of(id)
    seen.lastSeen = seen.here = this.#clock.now()
    return seen
  }

  #said(seen: Seen, version: number): 'news' | 'known' {
    const newest = seen.versions.at(-1)?.version
    if (newest === version) return 'known'
    // A version that went down is of a database that began anew: what came before says nothing.
    if (version < (newest ?? 0)) seen.versions.length = 0
    seen.versions.push({ version, at: seen.saidAt })
    if (seen.versions.length > REMEMBERED) seen.versions.shift()
    return 'news'
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
