export { startRegional, type RegionalOptions } from './regional.ts'
export { startEdge, type EdgeOptions } from './edge.ts'
