import type { Metrics } from '../telemetry/index.ts'
import { NODE_METRICS as M } from './metric-names.ts'
import type { CacheNode } from './node.ts'

/** What a cache node counts, whoever asks it. */
export function measureNode(node: CacheNode, metrics: Metrics): void {
  metrics.gauge(M.cacheObjects, () => node.cache.objects)
  metrics.gauge(M.cacheBytes, () => node.cache.bytes)
  metrics.gauge(M.fills, () => node.cache.fills)
  metrics.gauge(M.playlists, () => node.playlists.count)
  metrics.gauge(M.slowReaderBytes, () => node.slowReaders.bytes)
  metrics.collected(M.slowReadersCut, () => [[{}, node.slowReaders.cuts]])
  metrics.collected(M.failovers, () => node.health.failovers())
  metrics.gauge(M.originsResting, () => node.health.resting(node.clock.now()))
  metrics.gauge(M.websockets, () => node.upgraded.count)
  metrics.gauge(M.accessLogDropped, () => node.accessLog.dropped)
}
