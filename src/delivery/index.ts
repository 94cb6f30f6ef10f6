export { startEdge, type EdgeOptions } from './edge.ts'
