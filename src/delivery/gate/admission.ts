import type { GrantReason } from '../../core/index.ts'
import type { Carrier, TokenCarrier } from '../../signing/index.ts'
import type { Target } from '../exchange.ts'

/** Whether a request may have what lies at a path behind a gate. */
export type Admission =
  | {
      kind: 'admitted'
      /** Tells grants apart; too little of one to let anybody in. */
      grant: string
      /** What carried the grant, for those who hand it on in another form. Holds what lets a reader in. */
      carrier: Carrier | CookieToken
      /** The query without what signs it, where that is known already. */
      ownQuery?: string
    }
  | { kind: 'refused'; reason: GrantReason }

/** A token, and the cookie in which its issuer's tokens may come. */
export interface CookieToken extends TokenCarrier {
  readonly cookie: string
}

/** What is asked for; usually the request's own target. */
export type Asked = Pick<Target, 'rawPath' | 'path' | 'query' | 'token' | 'jwt'>
