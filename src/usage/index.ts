export * from './ledger-entry.ts'
export * from './usage-type.ts'
