export * from './control-client.ts'
export * from './node-shapes.ts'
export * from './shapes.ts'
export type { UploadOptions, UploadSource } from './upload.ts'
