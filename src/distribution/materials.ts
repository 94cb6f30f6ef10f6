import type { Blob } from './edge-code.ts'
import type { Snapshot } from './snapshot.ts'

/** The bytes that a snapshot names, by their digest (SHA-256, hexadecimal). A node has them before it applies the snapshot. */
export type Materials = ReadonlyMap<string, Uint8Array>

export const NO_MATERIALS: Materials = new Map()

/** All that a snapshot names, each once. */
export function blobsOf({ functions = [], stores = [] }: Pick<Snapshot, 'functions' | 'stores'>): Blob[] {
  const named = [...functions.map(({ code }) => code), ...stores.map(({ data }) => data)]
  return [...new Map(named.map(blob => [blob.sha256, blob])).values()]
}
