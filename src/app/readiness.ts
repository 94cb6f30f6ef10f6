import type { RoleState } from './supervisor.ts'

/** `edge: snapshot`, one for each thing that is missing. */
export function missing(states: RoleState[], waitingFor: string[]): string[] {
  const ofRoles = states.flatMap(({ role, health }) =>
    health.kind === 'not-ready' ? health.waitingFor.map(what => `${role}: ${what}`) : [],
  )
  return [...ofRoles, ...waitingFor]
}

/** What roles that are ready want to be known of them. */
export function notesOf(states: RoleState[]): string[] {
  return states.flatMap(({ role, health }) =>
    health.kind === 'not-ready' ? [] : (health.notes ?? []).map(note => `${role}: ${note}`),
  )
}
