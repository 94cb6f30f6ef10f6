export { startControl } from './control.ts'
export type { ControlLimits, ControlOptions, RunningControl } from './options.ts'
export { knownMigrations, restoreDatabase } from './database/index.ts'
