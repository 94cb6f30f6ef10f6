export { type RouterLimits, type RouterOptions } from './options.ts'
export { startRouter } from './start-router.ts'
