import type { Instant } from '../../core/index.ts'
import type { Scope } from '../../client/index.ts'

/**
 * What an operation throws so that the asker is told: CloudFront's word for it (`NoSuchDistribution`) and a sentence. The
 * status is that of the model; words that it does not have get 400, or what is given as the third argument. Any other
 * `SluiceError` becomes the nearest word of AWS's, and whatever else is thrown is our own failure.
 */
export { RestFault as CloudFrontError } from '../../restxml/index.ts'

/** Who asks, by a signature that was verified; the operation was found to be within the scopes. */
export interface Caller {
  accessKeyId: string
  /** Of the token that the key belongs to. */
  name: string
  scopes: readonly Scope[]
}

export interface OperationContext {
  /** `CreateDistribution` and so on. */
  operation: string
  caller: Caller
  now: Instant
  requestId: string
  /** Tells the asker, and the log, of a setting that is kept without an effect or is stricter than it says. */
  notice: (text: string) => void
  /** Aborts when the asker goes away or control closes. */
  signal: AbortSignal
}

/**
 * One operation of CloudFront's API. The input is one plain object with the members of the model's input shape: what
 * stands in path, query and fields (`Id`, `IfMatch`, `MaxItems`) beside the payload under its name (`DistributionConfig`),
 * read and checked by the model. Output has the members of the output shape in the same way (`ETag`, `Location`,
 * `Distribution`); members that the shape does not have are left out when it is written, `undefined` ones too.
 */
export type Handler<In = never, Out extends object | void = object | void> = (
  input: In,
  context: OperationContext,
) => Promise<Out>

/** By operation. What is not in it answers `501 NotImplemented`. */
export type Handlers = Readonly<Record<string, Handler>>
