import { Type, type Static } from '../core/index.ts'
import { USAGE_TYPES, type LedgerEntry } from '../usage/index.ts'

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

export const UsageAmount = Type.Object({
  distribution: Type.String({ maxLength: 64 }),
  type: Type.Union(USAGE_TYPES.map(type => Type.Literal(type))),
  detail: Type.String({ maxLength: 128 }),
  amount: Whole,
})

export const LedgerEntryShape = Type.Unsafe<LedgerEntry>(
  Type.Object({
    life: Type.String({ minLength: 1, maxLength: 64 }),
    sequence: Type.Integer({ minimum: 1 }),
    ...{ hour: Whole, from: Whole, until: Whole },
    closed: Type.Union([Type.Literal('in-time'), Type.Literal('recovered')]),
    amounts: Type.Array(UsageAmount, { maxItems: 10_000 }),
    previous: Digest,
    hash: Digest,
  }),
)

/**
 * `POST /v1/node/usage`, nodes that count: entries of one ledger that control has not taken yet, in their order; none to
 * ask what it has. A node has a ledger for each process that counts, its `book`.
 */
export const UsageReport = Type.Object({
  book: Type.String({ pattern: '^[a-z0-9-]{1,32}$' }),
  life: Type.String({ minLength: 1, maxLength: 64 }),
  entries: Type.Array(LedgerEntryShape, { maxItems: 500 }),
  /** The first that this node still has. */
  oldest: Type.Integer({ minimum: 1 }),
})
export type UsageReport = Static<typeof UsageReport>

/** Control has all up to `taken` for good, and applied each of them once; what lies behind is to be sent again. */
export const UsageTaken = Type.Object({
  taken: Type.Integer({ minimum: 0 }),
  /** Set where the ledger does not follow on what control has: it is another's, was changed, or lacks entries. */
  refused: Type.Optional(Type.Union([Type.Literal('forked'), Type.Literal('gap'), Type.Literal('damaged')])),
})
export type UsageTaken = Static<typeof UsageTaken>
