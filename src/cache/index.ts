export * from './contract.ts'
export * from './live-playlists.ts'
export * from './object-cache.ts'
