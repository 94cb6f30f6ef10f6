export type {
  Fetch,
  Fetched,
  Fetching,
  FunctionRunner,
  Json,
  Limits,
  OriginChange,
  Outcome,
  Program,
  Run,
  Stores,
} from './contract.ts'
export { programsOf } from './programs.ts'
export * from './events/index.ts'
export { limitsOf, mostCode } from './limits.ts'
export { createFunctionRunner, type RunnerOptions } from './runner.ts'
