export type {
  Fetch,
  Fetched,
  Fetching,
  FunctionRunner,
  Json,
  Limits,
  Outcome,
  Program,
  Run,
  Stores,
} from './contract.ts'
