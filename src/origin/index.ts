export type { OriginOptions } from './options.ts'
export { startOrigin } from './start-origin.ts'
