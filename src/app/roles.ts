import type { RunningRole } from '../core/index.ts'
import type { ControlOptions } from '../control/index.ts'
import type { EdgeOptions } from '../delivery/index.ts'
import type { OriginOptions } from '../origin/index.ts'

/** The roles of this version that run in a process of their own, with what each is told. */
export interface RoleOptions {
  control: ControlOptions
  origin: OriginOptions
  edge: EdgeOptions
}

export type SupervisedRole = keyof RoleOptions

export const SUPERVISED_ROLES: readonly SupervisedRole[] = ['control', 'origin', 'edge']

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
    case 'edge': {
      const { startEdge } = await import('../delivery/index.ts')
      return options => startEdge(options as EdgeOptions) // the supervisor of this build wrote them
    }
    default:
      return role satisfies never
  }
}
