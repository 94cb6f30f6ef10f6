import { counter, gauge, REASON } from '../telemetry/index.ts'

export const GATEWAY_METRICS = {
  refusals: counter('sluice_gateway_refusals_total', 'Encoders that were refused, by reason.', {
    reason: REASON,
  }),
  cuts: counter('sluice_gateway_cuts_total', 'Publishers that were let go, by reason.', { reason: REASON }),
  retries: counter(
    'sluice_gateway_hand_over_retries_total',
    'Times an origin was asked again to take a stream.',
  ),
  bytes: counter('sluice_gateway_bytes_total', 'Bytes of media from encoders.'),
  publishers: gauge('sluice_gateway_publishers', 'Encoders that publish now.'),
  connections: gauge('sluice_gateway_connections', 'Connections of encoders now.'),
}
