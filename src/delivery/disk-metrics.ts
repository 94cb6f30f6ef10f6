import type { DiskTier } from '../cache/index.ts'
import type { Metrics } from '../telemetry/index.ts'

/** What `/metrics` tells of a disk cache. */
export function measureDisk(disk: DiskTier, metrics: Metrics): void {
  const total = (name: string, help: string, read: () => number): void =>
    metrics.collected(name, help, [], () => [[{}, read()]])
  const byReason = (name: string, help: string, counts: () => Readonly<Record<string, number>>): void =>
    metrics.collected(name, help, ['reason'], () =>
      Object.entries(counts()).map(([reason, n]): [Record<string, string>, number] => [{ reason }, n]),
    )
  metrics.gauge('sluice_disk_cache_objects', 'Objects in the disk tier', () => disk.objects)
  metrics.gauge('sluice_disk_cache_bytes', 'Bytes in the disk tier, in whole blocks', () => disk.bytes)
  total('sluice_disk_cache_writes_total', 'Objects that were written to disk', () => disk.written)
  total('sluice_disk_cache_evictions_total', 'Objects that made room for others on disk', () => disk.evicted)
  byReason(
    'sluice_disk_cache_write_failures_total',
    'Objects that stayed in memory only since the disk did not take them',
    () => disk.failed,
  )
  byReason(
    'sluice_disk_cache_bad_files_total',
    'Files of the disk tier that were of no use and counted as misses',
    () => disk.unusable,
  )
}
