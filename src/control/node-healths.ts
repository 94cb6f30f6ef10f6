import { Type, type Clock, type Instant, type NodeId, type Static } from '../core/index.ts'
import { NodeHealth, type NodeInfo } from '../client/index.ts'
import { isOff, spokenOffset, type ClockOffset } from '../membership/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { LIVE_FOR } from './acknowledgements.ts'

interface Known {
  health: NodeHealth | undefined
  offset: ClockOffset | undefined
  at: Instant
  /** Whether it spoke to this process, not to another control. */
  here: boolean
}

/** What one control tells the others of a node that spoke to it. */
export const ToldHealth = Type.Object({
  id: Type.String(),
  /** How many milliseconds ago it spoke. */
  age: Type.Number({ minimum: 0 }),
  health: Type.Union([Type.Null(), NodeHealth]),
  offset: Type.Union([Type.Null(), Type.Number()]),
})
export type ToldHealth = Static<typeof ToldHealth>

type HealthInfo = Pick<
  NodeInfo,
  'sequence' | 'traffic' | 'hitRatio' | 'busy' | 'clockOffset' | 'software' | 'controlAwaySince'
>

/** How nodes do, as they say themselves; in memory, of the nodes of the snapshot alone. */
export class NodeHealths {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #known = new Map<NodeId, Known>()
  #ids: ReadonlySet<NodeId> = new Set()

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
  }

  /** These are all that there are; what is known of others is forgotten. */
  keep(ids: Iterable<NodeId>): void {
    this.#ids = new Set(ids)
    for (const id of this.#known.keys()) if (!this.#ids.has(id)) this.#known.delete(id)
  }

  reported(id: NodeId, health: NodeHealth, offset: ClockOffset | undefined): void {
    const away = health.controlAwaySince
    if (away !== null) this.#log.info({ node: id, since: away }, 'a node was without control')
    this.#hear(id, { health: ownPart(health), offset, at: this.#clock.now(), here: true })
  }

  /** Its token was refused for its clock alone. */
  refused(id: NodeId, offset: ClockOffset): void {
    const health = this.#known.get(id)?.health
    this.#hear(id, { health, offset, at: this.#clock.now(), here: true })
  }

  /** Of the nodes that speak to this process, for others. */
  ours(): ToldHealth[] {
    const now = this.#clock.now()
    return [...this.#known].flatMap(([id, { health = null, offset = null, at, here }]) =>
      here && now - at < LIVE_FOR ? [{ id, age: Math.max(0, now - at), health, offset }] : [],
    )
  }

  /** Whoever heard of a node last is believed. */
  learn(told: readonly ToldHealth[]): void {
    for (const { id, age, health, offset } of told) {
      const at = (this.#clock.now() - age) as Instant // an earlier instant
      const known = this.#known.get(id as NodeId) // compared with those of the snapshot
      if (known !== undefined && known.at >= at) continue
      this.#hear(id as NodeId, { health: health ?? undefined, offset: offset ?? undefined, at, here: false }) // the same
    }
  }

  info(id: NodeId): HealthInfo {
    const known = this.#known.get(id)
    const fresh = known !== undefined && this.#clock.now() - known.at < LIVE_FOR
    const now = fresh ? known.health : undefined
    return {
      sequence: known?.health?.sequence ?? null,
      traffic: now?.traffic ?? null,
      hitRatio: now?.hitRatio ?? null,
      busy: now?.busy ?? null,
      clockOffset: known?.offset ?? null,
      software: known?.health?.software ?? null,
      controlAwaySince: now?.controlAwaySince ?? null,
    }
  }

  /** Nodes whose clocks are further from control's than tokens allow. */
  get clocksOff(): number {
    return [...this.#known.values()].filter(({ offset }) => offset !== undefined && isOff(offset)).length
  }

  #hear(id: NodeId, heard: Known): void {
    if (!this.#ids.has(id)) return
    const before = this.#known.get(id)?.offset
    this.#known.set(id, heard)
    const { offset, here } = heard
    if (!here || offset === undefined) return
    const was = before !== undefined && isOff(before)
    if (isOff(offset) && !was)
      this.#log.warn(
        { node: id, seconds: offset / 1000 },
        `the clock of ${id} is ${spokenOffset(offset)} control's: let NTP set both`,
      )
    else if (was && !isOff(offset)) this.#log.info({ node: id }, 'the clock of a node is right again')
  }
}

/** What a newer node says besides is not kept, and not told to others: there it would have no bound. */
function ownPart(health: NodeHealth): NodeHealth {
  const { software, state, snapshot, sequence, traffic, hitRatio, busy, roundTrip, controlAwaySince } = health
  const { bytesPerSecond, requestsPerSecond } = traffic
  return {
    ...{ software, state, snapshot, sequence, hitRatio, busy, roundTrip, controlAwaySince },
    traffic: { bytesPerSecond, requestsPerSecond },
  }
}
