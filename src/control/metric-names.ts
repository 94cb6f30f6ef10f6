import { counter, gauge, STATUS } from '../telemetry/index.ts'

export const CONTROL_METRICS = {
  answers: counter('sluice_control_answers_total', 'Answers of the control APIs', { status: STATUS }),
  snapshotVersion: gauge('sluice_control_snapshot_version', 'The newest snapshot version'),
  clocksOff: gauge('sluice_control_clocks_off', 'Nodes whose clock is more than 30 s from that of control'),
  eventListeners: gauge('sluice_control_event_listeners', 'Connections that listen to events'),
}
