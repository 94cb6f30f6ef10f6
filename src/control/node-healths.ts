import { Type, type Clock, type Instant, type NodeId, type Static } from '../core/index.ts'
import { NodeHealth, type NodeInfo } from '../client/index.ts'
import { isOff, spokenOffset, type ClockOffset } from '../membership/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { LIVE_FOR } from './acknowledgements.ts'

interface Known {
  health: NodeHealth | undefined
  offset: ClockOffset | undefined
  software: string | undefined
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
  software: Type.Union([Type.Null(), Type.String()]),
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
    const { software } = health
    this.#hear(id, { health: ownPart(health), offset, software, at: this.#clock.now(), here: true })
  }

  /** It was refused, for its clock alone or for its version. */
  refused(id: NodeId, why: { offset: ClockOffset } | { software: string }): void {
    const { offset, software } = this.#known.get(id) ?? {}
    // What it said before is not what it does now.
    const known = { health: undefined, offset, software, at: this.#clock.now(), here: true }
    if ('offset' in why) this.#hear(id, { ...known, offset: why.offset })
    else this.#hear(id, { ...known, software: why.software.replace(/[^\w.+ -]/g, '?').slice(0, 40) })
  }

  /** Of the nodes that speak to this process, for others. */
  ours(): ToldHealth[] {
    const now = this.#clock.now()
    return [...this.#known].flatMap(([id, { health = null, offset = null, software = null, at, here }]) =>
      here && now - at < LIVE_FOR ? [{ id, age: Math.max(0, now - at), health, offset, software }] : [],
    )
  }

  /** Whoever heard of a node last is believed. */
  learn(told: readonly ToldHealth[]): void {
    for (const each of told) {
      const id = each.id as NodeId // compared with those of the snapshot
      const at = (this.#clock.now() - each.age) as Instant // an earlier instant
      const known = this.#known.get(id)
      if (known !== undefined && known.at >= at) continue
      const { health, offset, software } = each
      this.#hear(id, {
        ...{ health: health ?? undefined, offset: offset ?? undefined, software: software ?? undefined },
        ...{ at, here: false },
      })
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
      software: known?.software ?? null,
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
