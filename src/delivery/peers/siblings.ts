import type { CacheRequest, PlaylistFound } from '../../cache/index.ts'
import type { Changed } from './changed.ts'
import type { Exchange } from '../exchange.ts'

/** The other processes of this node, each of which owns a part of the keys (SEAMS 22). */
export interface Siblings {
  /** The number of the newest change that this process has heard of; all hear of all, one after another. */
  readonly changes: number
  /** Undefined when the key is this process's own. `request.ask` is for when its owner cannot be asked. */
  lookup(x: Exchange, request: CacheRequest): PlaylistFound | Promise<PlaylistFound> | undefined
  /** Tells them, and this process once more, what is used no more; resolves within a second, come what may. */
  forget(changed: Changed): Promise<void>
}
