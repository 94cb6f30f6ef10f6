export * from './access-log.ts'
export * from './logger.ts'
export * from './metrics.ts'
