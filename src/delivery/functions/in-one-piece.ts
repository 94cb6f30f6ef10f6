import type { UpstreamAnswer } from '../../cache/index.ts'

/** A body that is all there, as one that comes. */
export function inOnePiece(body: Uint8Array): Pick<UpstreamAnswer, 'body' | 'destroy'> {
  return { body: pieceOf(body), destroy: () => {} }
}

async function* pieceOf(body: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  if (body.length > 0) yield body
}
