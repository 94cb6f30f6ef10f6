import type { Health, RoleName } from '../core/index.ts'

/** What the supervisor says to a role's process over the IPC channel. */
export type ToRole =
  | { kind: 'start'; role: RoleName; options: unknown; lock: string }
  | { kind: 'ask'; id: number; what: 'health' | 'metrics' }
  | { kind: 'drain' }
  /** Files that it has read, such as certificates, may have changed. */
  | { kind: 'look' }

/** What a role's process says to the supervisor. */
export type FromRole =
  | { kind: 'started' }
  /** It cannot start; the process ends after this. */
  | { kind: 'failed'; code: string; message: string }
  | { kind: 'health'; id: number; health: Health }
  | { kind: 'metrics'; id: number; text: string }

/** Both ends are of one build, so a message needs no more proof than its shape. */
export function isMessage(value: unknown): value is { kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string'
}
