import type { RunningRole } from '../core/index.ts'
import type { ControlOptions } from '../control/index.ts'
import type { EdgeOptions, RegionalOptions } from '../delivery/index.ts'
import type { GatewayOptions } from '../gateway/index.ts'
import type { OriginOptions } from '../origin/index.ts'
import type { RouterOptions } from '../router/index.ts'

/** The roles of this version that run in a process of their own, with what each is told. */
export interface RoleOptions {
  control: ControlOptions
  origin: OriginOptions
  regional: RegionalOptions
  edge: EdgeOptions
  gateway: GatewayOptions
  router: RouterOptions
}

export type SupervisedRole = keyof RoleOptions

/** In order of start. The last drains first: encoders are let go before anything that their streams need. */
export const SUPERVISED_ROLES = [
  'control',
  'origin',
  'regional',
  'edge',
  'gateway',
  'router',
] as const satisfies readonly SupervisedRole[]

export type StartRole = (options: unknown) => Promise<RunningRole>

/** Loads the one role that a process runs, and nothing of the others. */
export async function loadRole(role: SupervisedRole): Promise<StartRole> {
  switch (role) {
    case 'control': {
      const { startControl } = await import('../control/index.ts')
      return options => startControl(options as ControlOptions) // the supervisor of this build wrote them
    }
    case 'origin': {
      const { startOrigin } = await import('../origin/index.ts')
      return options => startOrigin(options as OriginOptions) // the supervisor of this build wrote them
    }
    case 'regional': {
      const { startRegional } = await import('../delivery/index.ts')
      return options => startRegional(options as RegionalOptions) // the supervisor of this build wrote them
    }
    case 'edge': {
      const { startEdge } = await import('../delivery/index.ts')
      return options => startEdge(options as EdgeOptions) // the supervisor of this build wrote them
    }
    case 'gateway': {
      const { startGateway } = await import('../gateway/index.ts')
      return options => startGateway(options as GatewayOptions) // the supervisor of this build wrote them
    }
    case 'router': {
      const { startRouter } = await import('../router/index.ts')
      return options => startRouter(options as RouterOptions) // the supervisor of this build wrote them
    }
    default:
      return role satisfies never
  }
}
