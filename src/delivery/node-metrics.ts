import type { Metrics } from '../telemetry/index.ts'
import type { CacheNode } from './node.ts'

/** What a cache node counts, whoever asks it. */
export function measureNode(node: CacheNode, metrics: Metrics): void {
  metrics.gauge('sluice_cache_objects', 'Objects in the memory tier', () => node.cache.objects)
  metrics.gauge('sluice_cache_bytes', 'Bytes in the memory tier', () => node.cache.bytes)
  metrics.gauge('sluice_cache_fills', 'Fetches under way', () => node.cache.fills)
  metrics.gauge(
    'sluice_live_playlists',
    'Live playlists of which a version is known',
    () => node.playlists.count,
  )
  metrics.gauge(
    'sluice_slow_reader_bytes',
    'Bytes of bodies that are in memory for slow viewers alone',
    () => node.slowReaders.bytes,
  )
  metrics.collected(
    'sluice_slow_readers_cut_total',
    'Viewers who were cut since slow ones held too much',
    [],
    () => [[{}, node.slowReaders.cuts]],
  )
  metrics.collected(
    'sluice_origin_failovers_total',
    'Questions that went on to the other origin of a group',
    ['distribution', 'origin'],
    () => [...node.health.failovers()].map(([name, n]): [Record<string, string>, number] => [{ ...name }, n]),
  )
  metrics.gauge(
    'sluice_origins_resting',
    'Origins of groups that are not asked since no connection comes about',
    () => node.health.resting(node.clock.now()),
  )
  metrics.gauge('sluice_websockets', 'Connections that have left HTTP', () => node.upgraded.count)
  metrics.gauge('sluice_access_log_dropped', 'Access lines that were lost', () => node.accessLog.dropped)
}
