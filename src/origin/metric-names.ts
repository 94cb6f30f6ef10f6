import { counter, gauge, histogram, STATUS } from '../telemetry/index.ts'

const KIND = ['multivariant', 'playlist', 'init', 'segment', 'part', 'other'] as const

export const ORIGIN_METRICS = {
  requests: counter('sluice_origin_requests_total', 'Requests of nodes, by what they asked for.', {
    kind: KIND,
  }),
  bytes: counter('sluice_origin_bytes_total', 'Bytes of bodies sent to nodes.', { kind: KIND }),
  answers: counter('sluice_origin_answers_total', 'Answers to nodes, by status.', { status: STATUS }),
  refusals: counter('sluice_origin_refused_total', 'Requests of strangers.'),
  passedOn: counter('sluice_origin_passed_on_total', 'Requests handed on to the origin of a channel.', {
    what: ['request', 'hand-over'],
  }),
  jobs: counter('sluice_origin_jobs_total', 'Jobs, by how their attempts ended.', {
    kind: ['package', 'remove'],
    result: ['packaged', 'removed', 'errored', 'thrown'],
  }),
  indexBytes: gauge('sluice_origin_index_bytes', 'Memory of decoded indexes.'),
}

export const LIVE_METRICS = {
  waiting: gauge('sluice_origin_waiting', 'Requests that wait for a playlist or part.'),
  liveBytes: gauge('sluice_origin_live_bytes', 'Memory of live windows.'),
  ingestBytes: counter('sluice_origin_ingest_bytes_total', 'Bytes of hand-overs that were muxed.'),
  parts: counter('sluice_origin_parts_total', 'Parts made.'),
  partDelay: histogram(
    'sluice_origin_part_delay_ms',
    'Milliseconds from the arrival of the last sample of a part until it can be fetched.',
    // The floor is 5 for 95 of 100.
    [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 250, 1000],
  ),
  handOvers: counter('sluice_origin_hand_overs_total', 'Hand-overs, by what became of them.', {
    result: ['accepted', 'refused', 'unpublished', 'lost', 'cut'],
  }),
  held: counter('sluice_origin_held_total', 'Requests that were held, by how they came out.', {
    result: ['answered', 'late', 'full', 'closing', 'gone'],
  }),
}

/** By state. */
export const CHANNEL_METRICS = {
  idle: gauge('sluice_origin_channels_idle', 'Live channels that are idle.'),
  connected: gauge('sluice_origin_channels_connected', 'Live channels that are connected.'),
  live: gauge('sluice_origin_channels_live', 'Live channels that are live.'),
  disconnected: gauge('sluice_origin_channels_disconnected', 'Live channels that are disconnected.'),
  ended: gauge('sluice_origin_channels_ended', 'Live channels that are ended.'),
}
