import { Lru, type Clock, type Instant } from '../core/index.ts'
import type { Snapshot } from '../distribution/index.ts'
import { verifyNodeToken, type NodeAudience, type NodeTokenResult } from '../signing/index.ts'

export type PeerVerdict = NodeTokenResult

/** Believes the token of a `Sluice-Node` header, or says why not. */
export interface PeerVerifier {
  verify(token: string | undefined): Promise<PeerVerdict>
}

const REMEMBERED = 1024
/** A token is sent with each request for half a minute; a longer one than this is not ours. */
const LONGEST_TOKEN = 2048
/** Verified again after this: a token's own life is a minute and the leeway half of one. */
const BELIEVED_MS = 15_000

/**
 * Tokens against the peers of the snapshot that holds now. Verdicts for believed tokens are remembered for 15 s at
 * most and for as long as the same snapshot holds, so a revoked node is refused as soon as the snapshot without it is
 * applied.
 */
export function createPeerVerifier(
  getSnapshot: () => Pick<Snapshot, 'nodes'> | undefined,
  audience: NodeAudience,
  clock: Clock,
): PeerVerifier {
  const memo = new Lru<string, { verdict: PeerVerdict; until: Instant }>({ max: REMEMBERED })
  let memoOf: unknown
  return {
    async verify(token) {
      if (token === undefined || token === '') return { kind: 'refused', why: 'no token' }
      if (token.length > LONGEST_TOKEN) return { kind: 'refused', why: 'too long to be a token' }
      const snapshot = getSnapshot()
      if (!snapshot) return { kind: 'refused', why: 'no snapshot yet' }
      if (memoOf !== snapshot) {
        memo.clear()
        memoOf = snapshot
      }
      const now = clock.now()
      const known = memo.get(token)
      if (known && now < known.until) return known.verdict
      const verdict = await verifyNodeToken(token, snapshot.nodes, audience, now)
      if (verdict.kind === 'peer' && memoOf === snapshot) {
        memo.set(token, { verdict, until: (now + BELIEVED_MS) as Instant }) // a later instant
      }
      return verdict
    },
  }
}
