import { counter, type Growing } from '../telemetry/index.ts'

const ROLE: Growing = { of: 'roles of this machine', atMost: 20 }

export const SUPERVISOR_METRICS = {
  restarts: counter('sluice_role_restarts_total', 'Times a role was started again after it ended.', {
    role: ROLE,
  }),
}
