import type { Filling, StoredObject } from '../../cache/index.ts'
import type { CacheKey } from '../../http/index.ts'
import type { Exchange } from '../exchange.ts'
import { CodedFill } from './coded-fill.ts'
import type { Chunks } from './send-stream.ts'
import type { HeldBody } from './slow-readers.ts'

/** A body in one piece, and what it is stored under, if it is. */
export interface Whole {
  readonly body: Uint8Array
  readonly key?: CacheKey
}

/** Who has not taken all of a part keeps all of it in memory. */
export function heldWhole({ node }: Exchange, { body, key }: Whole): HeldBody {
  return {
    id: body.buffer,
    bytes: () => body.length,
    isStored: () => key !== undefined && node.holds(key, body),
  }
}

/** What is on its way, and how each chunk of it is held. */
export interface FillSource {
  read: (first: number, last?: number) => Chunks
  held: (chunk: Uint8Array) => HeldBody
}

/** Of `x.found`, or what was made of it. */
export function fillSource(x: Exchange, fill: Filling): FillSource {
  const read = (first: number, last?: number): Chunks => fill.read(first, last)
  if (fill instanceof CodedFill) {
    return { read, held: () => ({ id: fill, bytes: () => fill.made, isStored: () => false }) }
  }
  return fill.pieceAt === undefined ? { read, held: heldOfOne(x) } : ofPieces(x, fill)
}

/** As long as it is fetched, a chunk is a view of what has come; then there is the whole, which all of them have then. */
function heldOfOne(x: Exchange): FillSource['held'] {
  const { found } = x
  let whole: StoredObject | undefined = found !== undefined && 'object' in found ? found.object : undefined
  let isAsked = false
  return chunk => {
    if (!isAsked && found?.kind === 'filling') {
      isAsked = true
      found.whole.then(
        object => (whole = object),
        () => {},
      )
    }
    return {
      id: whole?.body.buffer ?? chunk.buffer,
      bytes: () => whole?.body.length ?? chunk.buffer.byteLength,
      isStored: () => whole !== undefined && x.node.holds(whole.key, whole.body),
    }
  }
}

function ofPieces(x: Exchange, fill: Filling): FillSource {
  let at = 0
  return {
    async *read(first, last) {
      at = first
      for await (const chunk of fill.read(first, last)) {
        yield chunk
        at += chunk.length
      }
    },
    held: chunk => {
      const key = fill.pieceAt?.(at).key
      const { buffer } = chunk
      const isStored = (): boolean => key !== undefined && x.node.holds(key, chunk)
      return { id: buffer, bytes: () => buffer.byteLength, isStored }
    },
  }
}
