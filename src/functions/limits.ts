import type { FunctionEvent, FunctionRuntime } from '../distribution/index.ts'
import type { Limits } from './contract.ts'

// Written out, since threads read this too, which else load nothing of core.
const KiB = 1024
const MiB = 1024 * KiB

/** What CloudFront keeps of a run's log. */
export const MOST_LOGGED = 10 * KiB

/** Of a function that should take a millisecond: longer than a busy machine lets any thread stand still. */
const STARVED = 10_000

/**
 * What CloudFront documents where it documents something. Its functions have "less than a millisecond": that is what
 * `used` counts against, and the cut comes later, so that a machine under load breaks no good function (decision 44).
 */
const CLOUDFRONT: Limits = {
  time: 50,
  clock: STARVED,
  nominal: 1,
  memory: 2 * MiB,
  code: 10 * KiB,
  output: 128 * KiB,
  answer: 40 * KiB,
}
const LAMBDA_VIEWER: Limits = {
  time: 5000,
  clock: 5000,
  nominal: 5000,
  memory: 128 * MiB,
  code: MiB,
  output: 256 * KiB,
  answer: 40 * KiB,
}
const LAMBDA_ORIGIN: Limits = {
  time: 30_000,
  clock: 30_000,
  nominal: 30_000,
  memory: 128 * MiB,
  code: 8 * MiB,
  output: 3 * MiB,
  answer: MiB,
}
const PLAYLIST: Limits = {
  time: 50,
  clock: STARVED,
  nominal: 50,
  memory: 64 * MiB,
  code: MiB,
  output: 8 * MiB,
  answer: 0,
}

/** What one run may take, by how the function is written and when it runs. */
export function limitsOf(runtime: FunctionRuntime, event: FunctionEvent): Limits {
  if (runtime === 'sluice-js-1') return PLAYLIST
  if (runtime !== 'lambda-edge') return CLOUDFRONT
  return event === 'viewer-request' || event === 'viewer-response' ? LAMBDA_VIEWER : LAMBDA_ORIGIN
}

/** How much code a function of this runtime may have, wherever it runs. */
export function mostCode(runtime: FunctionRuntime): number {
  return limitsOf(runtime, 'origin-request').code
}
