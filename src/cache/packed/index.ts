export { PackedObjects } from './packed-objects.ts'
export type { Glance, Rendered } from './record.ts'
