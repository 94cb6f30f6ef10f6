import { LiveMuxer } from '../../cmaf/index.ts'
import type { Bytes, Clock, Milliseconds, NodeId } from '../../core/index.ts'
import type { Logger, Metrics } from '../../telemetry/index.ts'
import type { Muxer } from './channel.ts'
import { ChannelTable } from './channel-table.ts'
import { createLiveCounters, type LiveCounters } from './live-counters.ts'
import { LiveDesk } from './live-desk.ts'

export interface LiveOptions {
  metrics: Metrics
  /** This origin, where there are others. */
  self?: NodeId | undefined
  clock: Clock
  log: Logger
  /** Something changed that control should hear of soon. */
  changed?: () => void
  newMuxer?: () => Muxer
  /** Of one channel. */
  memory?: Bytes
  mostWaiting?: number
}

/** The live side of an origin, without its server: what hand-overs bring, and what is told of it. */
export interface Live {
  table: ChannelTable
  counters: LiveCounters
  desk: LiveDesk
}

export function createLive(options: LiveOptions): Live {
  const { metrics, clock, newMuxer = () => new LiveMuxer(), ...rest } = options
  const counters: LiveCounters = createLiveCounters(metrics, {
    channels: state => table.count(state),
    waiting: () => table.waiting,
    memory: () => table.bytes,
  })
  const table = new ChannelTable({ ...rest, clock, newMuxer, part: delay => counters.part(delay) })
  return { table, counters, desk: new LiveDesk({ table, counters, clock }) }
}

/** Deadlines are in seconds; nobody notices a quarter of one. */
const TICK: Milliseconds = 250

/** Keeps time for the channels until it is stopped. */
export function startTicking({ table }: Live): { stop(): void } {
  const timer = setInterval(() => table.tick(), TICK)
  return { stop: () => clearInterval(timer) }
}
