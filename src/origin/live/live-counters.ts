import type { ChannelState } from '../../client/index.ts'
import type { Bytes, Milliseconds } from '../../core/index.ts'
import type { Metrics } from '../../telemetry/index.ts'

const STATES: ChannelState[] = ['idle', 'connected', 'live', 'disconnected', 'ended']
/** Milliseconds; the floor is 5 for 95 of 100. */
const DELAY_BUCKETS = [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 250, 1000]

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
  for (const state of STATES) {
    metrics.gauge(`sluice_origin_channels_${state}`, `Live channels that are ${state}.`, () =>
      gauges.channels(state),
    )
  }
  metrics.gauge('sluice_origin_waiting', 'Requests that wait for a playlist or part.', gauges.waiting)
  metrics.gauge('sluice_origin_live_bytes', 'Memory of live windows.', gauges.memory)
  const bytes = metrics.counter('sluice_origin_ingest_bytes_total', 'Bytes of hand-overs that were muxed.')
  const parts = metrics.counter('sluice_origin_parts_total', 'Parts made.')
  const delay = metrics.histogram(
    'sluice_origin_part_delay_ms',
    'Milliseconds from the arrival of the last sample of a part until it can be fetched.',
    DELAY_BUCKETS,
  )
  const handOvers = metrics.counter('sluice_origin_hand_overs_total', 'Hand-overs, by what became of them.', [
    'result',
  ])
  const held = metrics.counter('sluice_origin_held_total', 'Requests that were held, by how they came out.', [
    'result',
  ])
  return {
    taken: count => bytes({}, count),
    part(milliseconds) {
      parts()
      delay(milliseconds)
    },
    handOver: result => handOvers({ result }),
    held: result => held({ result }),
  }
}
