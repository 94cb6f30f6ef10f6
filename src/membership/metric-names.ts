import { gauge } from '../telemetry/index.ts'

/** What stands in ledgers and control does not have. */
export const PUSH_METRICS = {
  waiting: gauge('sluice_usage_entries_waiting', 'Entries of usage ledgers that control has not taken'),
  behind: gauge(
    'sluice_usage_seconds_behind',
    'How long the oldest entry waits that control has not taken, in seconds',
  ),
}

/** Of every node. */
export const MEMBER_METRICS = {
  controlAway: gauge('sluice_control_away_seconds', 'Since when control does not answer; 0 while it does'),
  clockOffset: gauge(
    'sluice_clock_offset_seconds',
    'How far the clock of this machine is ahead of that of control',
  ),
  draining: gauge('sluice_draining', '1 while this node is to get nothing new'),
}
