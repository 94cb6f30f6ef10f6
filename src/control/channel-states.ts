import type { BroadcastId, Clock, Instant, Milliseconds, NodeId } from '../core/index.ts'
import type { ChannelInfo, ChannelReport, ChannelsRequest, ViewersRequest } from '../client/index.ts'
import type { ChannelRow } from './database/index.ts'

/** What a node said counts this long: some reports may be lost, and a node that died is soon forgotten. */
const BELIEVED: Milliseconds = 10_000

interface Said<T> {
  at: Instant
  byPath: Map<string, T>
}

/** A channel that several origins know is as the first of these says. */
const RANK: Record<ChannelReport['state'], number> = {
  live: 4,
  connected: 3,
  disconnected: 2,
  ended: 1,
  idle: 0,
}

/** How channels are just now, as origins and edges say. In memory: after a restart they say it again in a second. */
export class ChannelStates {
  readonly #clock: Clock
  readonly #origins = new Map<NodeId, Said<ChannelReport>>()
  readonly #edges = new Map<NodeId, Said<number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Everything that an origin has to say; it takes the place of what it said before. */
  channelsOf(origin: NodeId, { channels }: ChannelsRequest): void {
    this.#take(this.#origins, origin, new Map(channels.map(report => [report.path, report])))
  }

  viewersOf(edge: NodeId, { channels }: ViewersRequest): void {
    this.#take(this.#edges, edge, new Map(channels.map(({ path, viewers }) => [path, viewers])))
  }

  /** A channel was deleted: another at its path begins idle. */
  forget(path: string): void {
    for (const said of [...this.#origins.values(), ...this.#edges.values()]) said.byPath.delete(path)
  }

  viewOf(row: ChannelRow): ChannelInfo {
    const report = this.#report(row)
    const idle = report === undefined || report.state === 'idle'
    return {
      id: row.id,
      path: row.path,
      state: report?.state ?? 'idle',
      keyGroup: row.keyGroup,
      reconnectSeconds: row.reconnectMs / 1000,
      broadcast: idle ? null : broadcastOf(report),
      ingest: idle ? null : report.ingest,
      viewers: this.#viewers(row.path),
      advice: idle ? [] : report.advice,
      createdAt: new Date(row.createdAt).toISOString(),
    }
  }

  #report({ path, owner }: ChannelRow): ChannelReport | undefined {
    // What others still say is of before they have lost it.
    if (owner !== null) return this.#fresh(this.#origins.get(owner))?.byPath.get(path)
    return this.#believed(this.#origins)
      .flatMap(({ at, byPath }) => {
        const report = byPath.get(path)
        return report ? [{ at, report }] : []
      })
      .sort((one, other) => RANK[other.report.state] - RANK[one.report.state] || other.at - one.at)[0]?.report
  }

  #viewers(path: string): number {
    return this.#believed(this.#edges).reduce((sum, { byPath }) => sum + (byPath.get(path) ?? 0), 0)
  }

  /** Only nodes of the snapshot get here, and those that fell silent are dropped, so the maps stay small. */
  #take<T>(all: Map<NodeId, Said<T>>, node: NodeId, byPath: Map<string, T>): void {
    all.set(node, { at: this.#clock.now(), byPath })
    for (const [id, { at }] of all) if (!this.#isFresh(at)) all.delete(id)
  }

  #believed<T>(all: Map<NodeId, Said<T>>): Said<T>[] {
    return [...all.values()].filter(({ at }) => this.#isFresh(at))
  }

  #fresh<T>(said: Said<T> | undefined): Said<T> | undefined {
    return said !== undefined && this.#isFresh(said.at) ? said : undefined
  }

  #isFresh(at: Instant): boolean {
    return this.#clock.now() - at < BELIEVED
  }
}

function broadcastOf({ broadcast }: ChannelReport): { id: BroadcastId; startedAt: string } {
  return { id: broadcast.id, startedAt: broadcast.startedAt }
}
