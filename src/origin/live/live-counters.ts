import type { ChannelState } from '../../client/index.ts'
import type { Bytes, Milliseconds } from '../../core/index.ts'
import type { Metrics } from '../../telemetry/index.ts'
import { CHANNEL_METRICS, LIVE_METRICS } from '../metric-names.ts'

const STATES: ChannelState[] = ['idle', 'connected', 'live', 'disconnected', 'ended']

/** How a hand-over's question was answered, or how it ended. */
export type HandOverResult = 'accepted' | 'refused' | 'unpublished' | 'lost' | 'cut'
/** How a request that was held came out. */
export type HeldResult = 'answered' | 'late' | 'full' | 'closing' | 'gone'

/** The metrics of live channels. */
export interface LiveCounters {
  taken(bytes: Bytes): void
  /** `delay`: from the arrival of the part's last sample until it could be fetched. */
  part(delay: Milliseconds): void
  handOver(result: HandOverResult): void
  held(result: HeldResult): void
}

export interface LiveGauges {
  channels: (state: ChannelState) => number
  waiting: () => number
  memory: () => Bytes
}

export function createLiveCounters(metrics: Metrics, gauges: LiveGauges): LiveCounters {
  for (const state of STATES) metrics.gauge(CHANNEL_METRICS[state], () => gauges.channels(state))
  metrics.gauge(LIVE_METRICS.waiting, gauges.waiting)
  metrics.gauge(LIVE_METRICS.liveBytes, gauges.memory)
  const bytes = metrics.counter(LIVE_METRICS.ingestBytes)
  const parts = metrics.counter(LIVE_METRICS.parts)
  const delay = metrics.histogram(LIVE_METRICS.partDelay)
  const handOvers = metrics.counter(LIVE_METRICS.handOvers)
  const held = metrics.counter(LIVE_METRICS.held)
  return {
    taken: count => bytes({}, count),
    part(milliseconds) {
      parts({})
      delay(milliseconds, {})
    },
    handOver: result => handOvers({ result }),
    held: result => held({ result }),
  }
}
