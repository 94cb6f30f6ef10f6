import { histogram, type Growing, type Labels, type MetricName } from './metric.ts'

const RESOURCE: Growing = { of: 'kinds of handles and requests of Node', atMost: 50 }
const HEAP_SPACE: Growing = { of: 'spaces of the heap of V8', atMost: 20 }
const VERSION: Growing = { of: 'version of Node', atMost: 1 }

/** What prom-client says of every process, in its own words; a name that is new there has to come here. */
export const PROCESS_METRICS: Readonly<Record<string, MetricName>> = {
  processCpuUserSecondsTotal: named(
    'counter',
    'sluice_process_cpu_user_seconds_total',
    'Total user CPU time spent in seconds.',
  ),
  processCpuSystemSecondsTotal: named(
    'counter',
    'sluice_process_cpu_system_seconds_total',
    'Total system CPU time spent in seconds.',
  ),
  processCpuSecondsTotal: named(
    'counter',
    'sluice_process_cpu_seconds_total',
    'Total user and system CPU time spent in seconds.',
  ),
  processStartTimeSeconds: named(
    'gauge',
    'sluice_process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
  ),
  processResidentMemoryBytes: named(
    'gauge',
    'sluice_process_resident_memory_bytes',
    'Resident memory size in bytes.',
  ),
  processVirtualMemoryBytes: named(
    'gauge',
    'sluice_process_virtual_memory_bytes',
    'Virtual memory size in bytes.',
  ),
  processHeapBytes: named('gauge', 'sluice_process_heap_bytes', 'Process heap size in bytes.'),
  processOpenFds: named('gauge', 'sluice_process_open_fds', 'Number of open file descriptors.'),
  processMaxFds: named('gauge', 'sluice_process_max_fds', 'Maximum number of open file descriptors.'),
  nodejsEventloopLagSeconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_seconds',
    'Lag of event loop in seconds.',
  ),
  nodejsEventloopLagMinSeconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_min_seconds',
    'The minimum recorded event loop delay.',
  ),
  nodejsEventloopLagMaxSeconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_max_seconds',
    'The maximum recorded event loop delay.',
  ),
  nodejsEventloopLagMeanSeconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_mean_seconds',
    'The mean of the recorded event loop delays.',
  ),
  nodejsEventloopLagStddevSeconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_stddev_seconds',
    'The standard deviation of the recorded event loop delays.',
  ),
  nodejsEventloopLagP50Seconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_p50_seconds',
    'The 50th percentile of the recorded event loop delays.',
  ),
  nodejsEventloopLagP90Seconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_p90_seconds',
    'The 90th percentile of the recorded event loop delays.',
  ),
  nodejsEventloopLagP99Seconds: named(
    'gauge',
    'sluice_nodejs_eventloop_lag_p99_seconds',
    'The 99th percentile of the recorded event loop delays.',
  ),
  nodejsActiveResources: named(
    'gauge',
    'sluice_nodejs_active_resources',
    'Number of active resources that are currently keeping the event loop alive, grouped by async resource type.',
    { type: RESOURCE },
  ),
  nodejsActiveResourcesTotal: named(
    'gauge',
    'sluice_nodejs_active_resources_total',
    'Total number of active resources.',
  ),
  nodejsActiveHandles: named(
    'gauge',
    'sluice_nodejs_active_handles',
    'Number of active libuv handles grouped by handle type. Every handle type is C++ class name.',
    { type: RESOURCE },
  ),
  nodejsActiveHandlesTotal: named(
    'gauge',
    'sluice_nodejs_active_handles_total',
    'Total number of active handles.',
  ),
  nodejsActiveRequests: named(
    'gauge',
    'sluice_nodejs_active_requests',
    'Number of active libuv requests grouped by request type. Every request type is C++ class name.',
    { type: RESOURCE },
  ),
  nodejsActiveRequestsTotal: named(
    'gauge',
    'sluice_nodejs_active_requests_total',
    'Total number of active requests.',
  ),
  nodejsHeapSizeTotalBytes: named(
    'gauge',
    'sluice_nodejs_heap_size_total_bytes',
    'Process heap size from Node.js in bytes.',
  ),
  nodejsHeapSizeUsedBytes: named(
    'gauge',
    'sluice_nodejs_heap_size_used_bytes',
    'Process heap size used from Node.js in bytes.',
  ),
  nodejsExternalMemoryBytes: named(
    'gauge',
    'sluice_nodejs_external_memory_bytes',
    'Node.js external memory size in bytes.',
  ),
  nodejsHeapSpaceSizeTotalBytes: named(
    'gauge',
    'sluice_nodejs_heap_space_size_total_bytes',
    'Process heap space size total from Node.js in bytes.',
    { space: HEAP_SPACE },
  ),
  nodejsHeapSpaceSizeUsedBytes: named(
    'gauge',
    'sluice_nodejs_heap_space_size_used_bytes',
    'Process heap space size used from Node.js in bytes.',
    { space: HEAP_SPACE },
  ),
  nodejsHeapSpaceSizeAvailableBytes: named(
    'gauge',
    'sluice_nodejs_heap_space_size_available_bytes',
    'Process heap space size available from Node.js in bytes.',
    { space: HEAP_SPACE },
  ),
  nodejsVersionInfo: named('gauge', 'sluice_nodejs_version_info', 'Node.js version info.', {
    version: VERSION,
    major: VERSION,
    minor: VERSION,
    patch: VERSION,
  }),
  nodejsGcDurationSeconds: histogram(
    'sluice_nodejs_gc_duration_seconds',
    'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    [0.001, 0.01, 0.1, 1, 2, 5],
    { kind: ['major', 'minor', 'incremental', 'weakcb'] },
  ),
}

/** Its gauges may have labels, which ours have not. */
function named(type: 'counter' | 'gauge', name: string, help: string, labels: Labels = {}): MetricName {
  return { type, name, help, labels }
}
