export * from './contract.ts'
export * from './object-cache.ts'
