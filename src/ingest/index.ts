export * from './contract.ts'
export { INGEST_LIMITS, type IngestLimits } from './limits.ts'
export { startIngest, type Ingest, type IngestOptions } from './start-ingest.ts'
