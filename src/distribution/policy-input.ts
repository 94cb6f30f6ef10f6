import { Type } from '../core/index.ts'
import { BehaviourInput } from './input.ts'

const { ttl, query, headers, keyedCookies, acceptEncoding } = BehaviourInput.properties
const { forward, cookies, forwardQuery, host, told, responseHeaders } = BehaviourInput.properties
const STRICT = { additionalProperties: false }

/** Years of a day and a year at most, nothing keyed and both codings when left out. */
export const CachePolicyInput = Type.Object(
  { kind: Type.Literal('cache'), ttl, query, headers, keyedCookies, acceptEncoding },
  STRICT,
)

/** Nothing told when left out, and the origin's own Host. */
export const OriginRequestPolicyInput = Type.Object(
  { kind: Type.Literal('origin-request'), forward, cookies, forwardQuery, host, told },
  STRICT,
)

export const ResponseHeadersPolicyInput = Type.Object(
  { kind: Type.Literal('response-headers'), responseHeaders },
  STRICT,
)

type Words<W extends keyof BehaviourInput> = Pick<BehaviourInput, W>

/** A policy as people write it. What `policy show --json` prints is good input again. */
export const PolicyInput = Type.Object(
  {
    /** Of the policy that is replaced; a new one gets its own, whatever stands here. */
    id: Type.Optional(Type.String({ maxLength: 64 })),
    /** Whether it is one of those that are always there; told, and nothing to choose. */
    managed: Type.Optional(Type.Boolean()),
    /** Each of its kind has another. */
    name: Type.String({ minLength: 1, maxLength: 128 }),
    comment: Type.Optional(Type.String({ maxLength: 128 })),
    says: Type.Union([CachePolicyInput, OriginRequestPolicyInput, ResponseHeadersPolicyInput]),
  },
  STRICT,
)
export interface PolicyInput {
  id?: string
  managed?: boolean
  name: string
  comment?: string
  says:
    | ({ kind: 'cache' } & Words<'ttl' | 'query' | 'headers' | 'keyedCookies' | 'acceptEncoding'>)
    | ({ kind: 'origin-request' } & Words<'forward' | 'cookies' | 'forwardQuery' | 'host' | 'told'>)
    | ({ kind: 'response-headers' } & Words<'responseHeaders'>)
}
