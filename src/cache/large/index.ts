export * from './large-objects.ts'
export * from './partial.ts'
export * from './question.ts'
export * from './slices.ts'
