export * from './ledger-entry.ts'
export * from './taking.ts'
export * from './usage-type.ts'
