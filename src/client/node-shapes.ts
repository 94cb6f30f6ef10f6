import { Type, type Static } from '../core/index.ts'
import { Failure, Job, JobResult, Progress } from './shapes.ts'

/**
 * What origins and control say to each other about jobs. `attempt` fences: a worker that lost its lease and went on
 * cannot speak for the one that has it now.
 */
const Attempt = Type.Integer({ minimum: 1, maximum: 1000 })

export const LeaseRequest = Type.Object(
  { wait: Type.Integer({ minimum: 0, maximum: 30 }) },
  { additionalProperties: false },
)
export type LeaseRequest = Static<typeof LeaseRequest>

export const LeaseAnswer = Type.Object({
  job: Job,
  leaseSeconds: Type.Number({ minimum: 0 }),
  attempt: Attempt,
})
export type LeaseAnswer = Static<typeof LeaseAnswer>

export const HeartbeatRequest = Type.Object(
  { progress: Progress, attempt: Type.Optional(Attempt) },
  { additionalProperties: false },
)
export type HeartbeatRequest = Static<typeof HeartbeatRequest>

export const FinishRequest = Type.Object(
  { result: JobResult, attempt: Type.Optional(Attempt) },
  { additionalProperties: false },
)
export type FinishRequest = Static<typeof FinishRequest>

/** Gives a lease back: the attempt failed in a way that may pass, or it was told to stop and has. */
export const ReleaseRequest = Type.Object(
  { reason: Failure, attempt: Type.Optional(Attempt) },
  { additionalProperties: false },
)
export type ReleaseRequest = Static<typeof ReleaseRequest>
