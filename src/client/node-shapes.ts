import { Type, type BroadcastId, type NodeId, type Static } from '../core/index.ts'
import { ViewersAt } from '../distribution/index.ts'
import { ChannelEvent, ChannelState, IngestFacts } from './channel-shapes.ts'
import { Failure, Job, JobResult, Progress } from './shapes.ts'

/**
 * What nodes and control say to each other. One of them may be a version older: fields that are not known are left alone,
 * and new ones are optional for a version (docs/UPGRADE.md). No shape of these is closed.
 */

/**
 * What origins and control say to each other about jobs. `attempt` fences: a worker that lost its lease and went on
 * cannot speak for the one that has it now.
 */
const Attempt = Type.Integer({ minimum: 1, maximum: 1000 })

export const LeaseRequest = Type.Object({ wait: Type.Integer({ minimum: 0, maximum: 30 }) })
export type LeaseRequest = Static<typeof LeaseRequest>

export const LeaseAnswer = Type.Object({
  job: Job,
  leaseSeconds: Type.Number({ minimum: 0 }),
  attempt: Attempt,
})
export type LeaseAnswer = Static<typeof LeaseAnswer>

export const HeartbeatRequest = Type.Object({ progress: Progress, attempt: Type.Optional(Attempt) })
export type HeartbeatRequest = Static<typeof HeartbeatRequest>

export const FinishRequest = Type.Object({ result: JobResult, attempt: Type.Optional(Attempt) })
export type FinishRequest = Static<typeof FinishRequest>

/** Gives a lease back: the attempt failed in a way that may pass, or it was told to stop and has. */
export const ReleaseRequest = Type.Object({ reason: Failure, attempt: Type.Optional(Attempt) })
export type ReleaseRequest = Static<typeof ReleaseRequest>

/** What an origin knows of a channel that is not idle. */
export const ChannelReport = Type.Object({
  path: Type.String(),
  state: ChannelState,
  broadcast: Type.Object({
    id: Type.Unsafe<BroadcastId>(Type.String()),
    startedAt: Type.String({ format: 'date-time' }),
  }),
  ingest: Type.Union([Type.Null(), IngestFacts]),
  advice: Type.Array(Type.String(), { maxItems: 20 }),
})
export type ChannelReport = Static<typeof ChannelReport>

/** `POST /v1/node/channels`, origins, each second while there is something and once when there is nothing more. */
export const ChannelsRequest = Type.Object({
  /** All that are not idle on this origin. */
  channels: Type.Array(ChannelReport, { maxItems: 10_000 }),
  /** What happened since the last report that control has taken; control knows them by id. */
  events: Type.Array(ChannelEvent, { maxItems: 1_000 }),
})
export type ChannelsRequest = Static<typeof ChannelsRequest>

/**
 * `POST /v1/node/leases`, origins, each second while there are several: that it lives, and what it has. The answer tells
 * what it has lost and drops.
 */
export const LeasesRequest = Type.Object({
  /** Those of which it has a broadcast, with the number under which. */
  channels: Type.Array(Type.Object({ path: Type.String(), lease: Type.Integer({ minimum: 0 }) }), {
    maxItems: 10_000,
  }),
  /** It ends: its channels may go to others at once. */
  leaving: Type.Optional(Type.Boolean()),
})
export type LeasesRequest = Static<typeof LeasesRequest>

export const LeasesAnswer = Type.Object({
  lost: Type.Array(
    Type.Object({
      path: Type.String(),
      lease: Type.Integer({ minimum: 0 }),
      owner: Type.Union([Type.Null(), Type.Unsafe<NodeId>(Type.String())]),
    }),
  ),
})
export type LeasesAnswer = Static<typeof LeasesAnswer>

/** `POST /v1/node/viewers`, edges, each 2 s while there are any and once when there are none. */
export const ViewersRequest = Type.Object({
  channels: Type.Array(Type.Object({ path: Type.String(), viewers: Type.Integer({ minimum: 0 }) }), {
    maxItems: 10_000,
  }),
})
export type ViewersRequest = Static<typeof ViewersRequest>

/** As many networks as one report may tell of. */
const MOST_MEASURED = 1_000
const Network = Type.String({ minLength: 1, maxLength: 43 })
const RoundTrip = Type.Number({ minimum: 0, maximum: 60_000 })

/** How many milliseconds viewers of a network take to an edge and back. */
export const MeasuredNetwork = Type.Object({ network: Network, milliseconds: RoundTrip })
export type MeasuredNetwork = Static<typeof MeasuredNetwork>

/** `POST /v1/node/health`, all nodes, each 2 s. The time of its sending stands in a field beside it. */
export const NodeHealth = Type.Object({
  /** The version of its Sluice. */
  software: Type.String({ maxLength: 64 }),
  state: Type.Union([Type.Literal('starting'), Type.Literal('serving'), Type.Literal('draining')]),
  /** Version and invalidation number of the snapshot that is applied. */
  snapshot: Type.Union([Type.Null(), Type.Integer()]),
  sequence: Type.Union([Type.Null(), Type.Integer()]),
  /** To those whom it serves, over about the last ten seconds; of a gateway, from encoders. */
  traffic: Type.Object({
    bytesPerSecond: Type.Number({ minimum: 0 }),
    requestsPerSecond: Type.Number({ minimum: 0 }),
  }),
  /** Of the requests of that time that could be answered from a cache, the part that was; null without any. */
  hitRatio: Type.Union([Type.Null(), Type.Number({ minimum: 0, maximum: 1 })]),
  /** What is under way and a drain waits for: connections of viewers, encoders, jobs and broadcasts. */
  busy: Type.Integer({ minimum: 0 }),
  /** How long the answer to the report before took: milliseconds, 0 at first. */
  roundTrip: Type.Number({ minimum: 0 }),
  /** Set in the first report after control did not answer. */
  controlAwaySince: Type.Union([Type.Null(), Type.String({ format: 'date-time', maxLength: 40 })]),
  /** Of edges and routers: where viewers reach it, null where it was not told. */
  viewers: Type.Optional(Type.Union([Type.Null(), Type.Unsafe<ViewersAt>(ViewersAt)])),
  /** Of edges: what they have measured, as far as it is new. */
  measured: Type.Optional(Type.Array(MeasuredNetwork, { maxItems: MOST_MEASURED })),
})
export type NodeHealth = Static<typeof NodeHealth>

/** The same with the edge that has said it. */
export const MeasuredAtEdge = Type.Intersect([
  MeasuredNetwork,
  Type.Object({ edge: Type.Unsafe<NodeId>(Type.String()) }),
])
export type MeasuredAtEdge = Static<typeof MeasuredAtEdge>

/** `GET /v1/node/edges`, routers: what edges have measured, from a number on that the last answer gave. */
export const EdgesAnswer = Type.Object({
  /** Of the process that counts: under another one its numbers say nothing. */
  life: Type.String(),
  next: Type.Integer({ minimum: 0 }),
  measured: Type.Array(MeasuredAtEdge),
})
export type EdgesAnswer = Static<typeof EdgesAnswer>
