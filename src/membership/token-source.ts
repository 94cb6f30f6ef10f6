import type { Clock, Instant, Milliseconds } from '../core/index.ts'
import { mintNodeToken, type NodeAudience } from '../signing/index.ts'
import type { NodeIdentity } from './identity.ts'

/** Tokens live 60 s; half of that leaves room for a request that waits and a clock that is a little off. */
const FRESH: Milliseconds = 30_000

/** The value of `Sluice-Node` for one audience; signs a new token each 30 s, however many ask. */
export function nodeTokenSource(
  identity: NodeIdentity,
  audience: NodeAudience,
  clock: Clock,
): () => Promise<string> {
  let minted: { at: Instant; token: Promise<string> } | undefined
  return () => {
    const now = clock.now()
    if (!minted || now - minted.at >= FRESH || now < minted.at) {
      const token = mintNodeToken(identity, audience, now)
      minted = { at: now, token }
      // A failure is told to those who wait for it and not kept.
      token.catch(() => (minted = undefined))
    }
    return minted.token
  }
}
