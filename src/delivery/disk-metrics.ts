import type { DiskTier } from '../cache/index.ts'
import { byWord, type Metrics } from '../telemetry/index.ts'
import { DISK_METRICS as M } from './metric-names.ts'

/** What `/metrics` tells of a disk cache. */
export function measureDisk(disk: DiskTier, metrics: Metrics): void {
  metrics.gauge(M.objects, () => disk.objects)
  metrics.gauge(M.bytes, () => disk.bytes)
  metrics.collected(M.writes, () => [[{}, disk.written]])
  metrics.collected(M.evictions, () => [[{}, disk.evicted]])
  metrics.collected(M.writeFailures, () => byWord('reason', disk.failed))
  metrics.collected(M.badFiles, () => byWord('reason', disk.unusable))
}
