import { Type, type DistributionId, type Static, type StoreId } from '../core/index.ts'
import {
  FUNCTION_EVENTS,
  FUNCTION_RUNTIMES,
  type FunctionEvent,
  type FunctionRuntime,
} from '../distribution/index.ts'

const Name = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })
const Runtime = Type.Unsafe<FunctionRuntime>(Type.Union(FUNCTION_RUNTIMES.map(each => Type.Literal(each))))
const Event = Type.Unsafe<FunctionEvent>(Type.Union(FUNCTION_EVENTS.map(each => Type.Literal(each))))
const Changed = Type.Object({ snapshotVersion: Type.Integer({ minimum: 1 }) })
const Comment = Type.String({ maxLength: 128 })

/** A function at one of its stages, without its code. */
export const FunctionStageInfo = Type.Object({
  runtime: Runtime,
  comment: Type.String(),
  /** The name of the key value store that it reads. */
  store: Type.Union([Type.Null(), Type.String()]),
  /** Where `fetch` may go. */
  hosts: Type.Array(Type.String()),
  /** Of its code, hexadecimal. */
  sha256: Type.String(),
  bytes: Type.Integer(),
  modifiedAt: Type.String(),
})
export type FunctionStageInfo = Static<typeof FunctionStageInfo>

export const FunctionInfo = Type.Object({
  name: Type.String(),
  /** As it is written on; it runs nowhere but in tests. */
  development: FunctionStageInfo,
  /** What runs; null until it was published, and always of a handler of Lambda@Edge. */
  live: Type.Union([Type.Null(), FunctionStageInfo]),
  /** Of a handler of Lambda@Edge, what was published, oldest first. */
  versions: Type.Array(Type.Object({ version: Type.Integer(), ...FunctionStageInfo.properties })),
  /** Whether what is written on is another than what was published last. */
  changed: Type.Boolean(),
  usedBy: Type.Array(
    Type.Object({
      distribution: Type.Unsafe<DistributionId>(Type.String()),
      pattern: Type.String(),
      event: Event,
      /** With its version where it has versions. */
      function: Type.String(),
    }),
  ),
})
export type FunctionInfo = Static<typeof FunctionInfo>

const Written = {
  code: Type.String({ minLength: 1, maxLength: 8_388_608 }),
  comment: Type.Optional(Comment),
  /** A key value store by name or id; null: none. */
  store: Type.Optional(Type.Union([Type.Null(), Type.String({ maxLength: 64 })])),
  hosts: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 253 }), { maxItems: 64 })),
}

export const NewFunction = Type.Object(
  { name: Name, runtime: Runtime, ...Written },
  { additionalProperties: false },
)
export type NewFunction = Static<typeof NewFunction>

/** What is left out stays as it is. */
export const FunctionChange = Type.Object(
  { ...Written, code: Type.Optional(Written.code), runtime: Type.Optional(Runtime) },
  { additionalProperties: false },
)
export type FunctionChange = Static<typeof FunctionChange>

export const ChangedFunction = Type.Object({
  function: FunctionInfo,
  /** Of Lambda@Edge, the version that was published. */
  version: Type.Optional(Type.Integer()),
  ...Changed.properties,
})
export type ChangedFunction = Static<typeof ChangedFunction>

/** `development`, `live`, or the number of a version. */
const Stage = Type.String({ pattern: '^(?:development|live|[0-9]{1,9})$' })

export const FunctionTest = Type.Object(
  {
    /** The handler's argument, as CloudFront writes it. */
    event: Type.Unknown(),
    /** `development` when left out. */
    stage: Type.Optional(Stage),
  },
  { additionalProperties: false },
)
export type FunctionTest = Static<typeof FunctionTest>

export const FunctionTested = Type.Object({
  /** What it returned; null where it failed. */
  result: Type.Unknown(),
  error: Type.Union([Type.Null(), Type.Object({ reason: Type.String(), message: Type.String() })]),
  /** What it wrote with `console.log`. */
  logs: Type.Array(Type.String()),
  /** The part of the permitted time that it took, in per cent. */
  used: Type.Integer(),
})
export type FunctionTested = Static<typeof FunctionTested>

export const FunctionStageAsked = Type.Object({ stage: Type.Optional(Stage) })
export type FunctionStageAsked = Static<typeof FunctionStageAsked>

export const FunctionCode = Type.Object({ code: Type.String() })

export const StoreInfo = Type.Object({
  id: Type.Unsafe<StoreId>(Type.String()),
  name: Type.String(),
  comment: Type.String(),
  items: Type.Integer(),
  bytes: Type.Integer(),
  modifiedAt: Type.String(),
  /** The functions that read it, by name. */
  usedBy: Type.Array(Type.String()),
})
export type StoreInfo = Static<typeof StoreInfo>

const Items = Type.Record(Type.String(), Type.String())

export const NewStore = Type.Object(
  { name: Name, comment: Type.Optional(Comment), items: Type.Optional(Items) },
  { additionalProperties: false },
)
export type NewStore = Static<typeof NewStore>

/** What is left out stays as it is; `remove` is done before `put`. */
export const StoreChange = Type.Object(
  {
    comment: Type.Optional(Comment),
    put: Type.Optional(Items),
    remove: Type.Optional(Type.Array(Type.String(), { maxItems: 100_000 })),
  },
  { additionalProperties: false },
)
export type StoreChange = Static<typeof StoreChange>

export const StoreItems = Type.Object({ items: Items })

export const ChangedStore = Type.Object({ store: StoreInfo, ...Changed.properties })
export type ChangedStore = Static<typeof ChangedStore>
