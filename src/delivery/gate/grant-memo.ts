import { Lru, MiB } from '../../core/index.ts'
import {
  authenticate,
  authenticateToken,
  memoKey,
  type Authenticated,
  type Carrier,
  type IssuerTrust,
  type TokenAuthenticated,
  type TokenGrant,
  type TrustedKeys,
  type ViewerToken,
  type ViewerUrl,
} from '../../signing/index.ts'

type Authentic = Authenticated & { kind: 'authentic' }

/** Remembered grants may take so much for each set of trusted keys, keys of the memo included. */
const MOST_BYTES = 16 * MiB

/**
 * Remembers which grants were signed by a trusted key, so that a viewer's hundred segments cost one verification
 * (SEAMS 6). What the grant allows is asked for every request. Forgeries are not kept, so they cannot push the good
 * ones out; a new set of trusted keys, or of an issuer's, begins empty, so a removed key opens nothing any more.
 */
export class GrantMemo {
  readonly #byKeys = new WeakMap<TrustedKeys, Lru<string, Authentic>>()
  readonly #seen: Record<Carrier['via'], WeakMap<TrustedKeys, Lru<string, SeenGrant>>> = {
    query: new WeakMap(),
    path: new WeakMap(),
    cookie: new WeakMap(),
  }
  readonly #byIssuer = new WeakMap<IssuerTrust, Tokens>()

  authenticate(carrier: Carrier, url: ViewerUrl, trusted: TrustedKeys): Authenticated {
    const name = memoKey(carrier, url)
    const memo = memoOf(this.#byKeys, trusted)
    const known = memo.get(name)
    if (known) return known
    const answer = authenticate(carrier, url, trusted)
    if (answer.kind === 'authentic') memo.set(name, answer)
    return answer
  }

  /** A whole query, path token or Cookie header of which the policy was authentic, so that it is not even read again. */
  seen(via: Carrier['via'], text: string, trusted: TrustedKeys): SeenGrant | undefined {
    return this.#seen[via].get(trusted)?.get(text)
  }

  /** For policies of their own only: a canned one stands for its URL. */
  remember(text: string, trusted: TrustedKeys, grant: SeenGrant): void {
    if (grant.carrier.statement.kind !== 'custom') return
    memoOf(this.#seen[grant.carrier.via], trusted).set(text, grant)
  }

  /** Of a token that this issuer has been found to have signed. */
  seenToken(text: string, trust: IssuerTrust): TokenGrant | undefined {
    return this.#byIssuer.get(trust)?.known.get(text)
  }

  /** Verifies a token once, however many requests bring it at the same time. */
  authenticateToken(token: ViewerToken, trust: IssuerTrust): Promise<TokenAuthenticated> {
    const { known, underWay } = this.#tokens(trust)
    const seen = known.get(token.text)
    if (seen) return Promise.resolve(seen)
    const joined = underWay.get(token.text)
    if (joined) return joined
    const answer = authenticateToken(token, trust)
      .then(each => {
        if (each.kind === 'authentic') known.set(token.text, each)
        return each
      })
      .finally(() => underWay.delete(token.text))
    underWay.set(token.text, answer)
    return answer
  }

  #tokens(trust: IssuerTrust): Tokens {
    let tokens = this.#byIssuer.get(trust)
    if (!tokens) {
      tokens = {
        // Its globs are kept compiled beside the text.
        known: new Lru({ maxSize: MOST_BYTES, sizeCalculation: (_grant, text) => 4 * text.length + 1000 }),
        underWay: new Map(),
      }
      this.#byIssuer.set(trust, tokens)
    }
    return tokens
  }
}

export interface SeenGrant {
  carrier: Carrier
  authentic: Authentic
  /** The query without what signs it. */
  ownQuery: string
}

function memoOf<T extends object>(
  memos: WeakMap<TrustedKeys, Lru<string, T>>,
  keys: TrustedKeys,
): Lru<string, T> {
  let memo = memos.get(keys)
  if (!memo) {
    memo = new Lru({ maxSize: MOST_BYTES, sizeCalculation: (_grant, key) => 2 * key.length + 1000 })
    memos.set(keys, memo)
  }
  return memo
}

interface Tokens {
  known: Lru<string, TokenGrant>
  /** No more than there are requests. */
  underWay: Map<string, Promise<TokenAuthenticated>>
}
