import { hash } from 'node:crypto'
import type { CacheKey } from '../../http/index.ts'
import type { FileId } from './slot-table.ts'

/** Viewers choose keys, so the digest is one in which nobody finds two alike. */
export function fileIdOf(key: CacheKey): FileId {
  return idOfName(hash('sha256', key).slice(0, 32))
}

export function nameOf(id: FileId): string {
  return id.map(word => word.toString(16).padStart(8, '0')).join('')
}

/** `name` must be one. */
export function idOfName(name: string): FileId {
  const word = (at: number): number => Number.parseInt(name.slice(at, at + 8), 16)
  return [word(0), word(8), word(16), word(24)]
}

export function isName(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}
