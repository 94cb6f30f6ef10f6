export type { Guard } from './guard.ts'
