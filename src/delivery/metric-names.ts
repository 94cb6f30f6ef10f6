import { FUNCTION_REASONS } from '../core/index.ts'
import { FUNCTION_EVENTS } from '../distribution/index.ts'
import { FORM_REFUSALS } from '../fields/index.ts'
import { counter, DISTRIBUTION, gauge, histogram, REASON, type Growing } from '../telemetry/index.ts'
import { TURNED_AWAY } from './viewers/turned-away.ts'

const SCHEME = ['http', 'https'] as const
const FUNCTION: Growing = { of: 'IDs of functions', atMost: 500 }
const ORIGIN: Growing = { of: 'origins of groups, by their IDs', atMost: 1000 }

/** What nodes count that serve viewers or other nodes out of a cache. */
export const TRAFFIC_METRICS = {
  requests: counter('sluice_requests_total', 'Requests of viewers', {
    distribution: DISTRIBUTION,
    scheme: SCHEME,
  }),
  bytes: counter('sluice_bytes_total', 'Body bytes sent to viewers', {
    distribution: DISTRIBUTION,
    scheme: SCHEME,
  }),
  results: counter('sluice_cache_results_total', 'How requests were answered', {
    result: ['Hit', 'RefreshHit', 'Miss', 'Error'],
  }),
  refusals: counter('sluice_refusals_total', 'Requests that were refused', { reason: REASON }),
  forms: counter(
    'sluice_field_encryption_total',
    'Requests of behaviours that encrypt fields of forms, by what became of them',
    {
      status: [
        ...(['Processed', 'ForwardedByContentType', 'ForwardedByQueryArgs'] as const),
        ...(['ForwardedDueToNoProfile', 'ServerError'] as const),
        ...FORM_REFUSALS,
      ],
    },
  ),
  fields: counter('sluice_encrypted_fields_total', 'Fields of forms that were encrypted'),
}

/** Of the ledger of a process. */
export const LEDGER_METRICS = {
  failures: counter('sluice_usage_failures_total', 'Failures to read or write a usage ledger'),
  untallied: gauge(
    'sluice_usage_untallied',
    'Processes that have counted usage which would be lost if they were killed',
  ),
}

export const NODE_METRICS = {
  cacheObjects: gauge('sluice_cache_objects', 'Objects in the memory tier'),
  cacheBytes: gauge('sluice_cache_bytes', 'Bytes in the memory tier'),
  fills: gauge('sluice_cache_fills', 'Fetches under way'),
  playlists: gauge('sluice_live_playlists', 'Live playlists of which a version is known'),
  slowReaderBytes: gauge(
    'sluice_slow_reader_bytes',
    'Bytes of bodies that are in memory for slow viewers alone',
  ),
  slowReadersCut: counter(
    'sluice_slow_readers_cut_total',
    'Viewers who were cut since slow ones held too much',
  ),
  failovers: counter(
    'sluice_origin_failovers_total',
    'Questions that went on to the other origin of a group',
    { distribution: DISTRIBUTION, origin: ORIGIN },
  ),
  originsResting: gauge(
    'sluice_origins_resting',
    'Origins of groups that are not asked since no connection comes about',
  ),
  websockets: gauge('sluice_websockets', 'Connections that have left HTTP'),
  accessLogDropped: gauge('sluice_access_log_dropped', 'Access lines that were lost'),
  turnedAway: counter(
    'sluice_connections_turned_away_total',
    'Connections of viewers that ended before a request of theirs could be answered in the ordinary way',
    { reason: TURNED_AWAY },
  ),
}

export const EDGE_METRICS = {
  liveViewers: gauge('sluice_live_viewers', 'Viewers of live channels, seen within 10 s'),
  snapshotVersion: gauge('sluice_snapshot_version', 'Version of the snapshot that is applied'),
  issuerRefreshes: counter(
    'sluice_issuer_key_refreshes_total',
    'Questions to issuers of tokens for their keys',
    { result: ['changed', 'unchanged', 'failed'] },
  ),
  regionalQuestions: counter(
    'sluice_regional_questions_total',
    'Questions that were to go by a regional cache',
    { result: ['answered', 'behind', 'away', 'failed', 'direct'] },
  ),
  regionalsWell: gauge('sluice_regionals_well', 'Regional caches that can be asked'),
}

/** Of an edge of several processes. */
export const WORKER_METRICS = {
  workers: gauge('sluice_edge_workers', 'Workers of the edge that run'),
  restarts: counter('sluice_edge_worker_restarts_total', 'Workers that were started again'),
  neighbourQuestions: counter('sluice_neighbour_questions_total', 'Questions to the worker that owns a key', {
    result: ['answered', 'away', 'unreadable'],
  }),
  neighbourFiles: counter(
    'sluice_neighbour_files_total',
    'Bodies of which the worker that owns a key has named the file',
    { result: ['read', 'not-read'] },
  ),
}

export const DISK_METRICS = {
  objects: gauge('sluice_disk_cache_objects', 'Objects in the disk tier'),
  bytes: gauge('sluice_disk_cache_bytes', 'Bytes in the disk tier, in whole blocks'),
  writes: counter('sluice_disk_cache_writes_total', 'Objects that were written to disk'),
  evictions: counter('sluice_disk_cache_evictions_total', 'Objects that made room for others on disk'),
  writeFailures: counter(
    'sluice_disk_cache_write_failures_total',
    'Objects that stayed in memory only since the disk did not take them',
    { reason: ['full', 'unwritable', 'other', 'queue', 'resting'] },
  ),
  badFiles: counter(
    'sluice_disk_cache_bad_files_total',
    'Files of the disk tier that were of no use and counted as misses',
    { reason: ['form', 'length', 'checksum', 'head', 'unreadable'] },
  ),
}

export const FUNCTION_METRICS = {
  runs: counter('sluice_function_runs_total', 'Runs of functions, and how they ended', {
    function: FUNCTION,
    event: FUNCTION_EVENTS,
    outcome: ['returned', ...FUNCTION_REASONS],
  }),
  seconds: histogram(
    'sluice_function_seconds',
    'How long a request waited for a function',
    [0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1, 5, 30],
    { function: FUNCTION, event: FUNCTION_EVENTS },
  ),
}
