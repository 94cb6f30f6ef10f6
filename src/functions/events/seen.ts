import type { CanonicalPath, FunctionReason } from '../../core/index.ts'
import type { FunctionEvent } from '../../distribution/index.ts'
import type { FlatHeaders } from '../../http/index.ts'

/** What a function gave, or did, cannot be used. The message is for its author, in a log or a test's answer. */
export interface Unusable {
  kind: 'unusable'
  reason: FunctionReason
  message: string
}

export function isUnusable(result: { kind: string }): result is Unusable {
  return result.kind === 'unusable'
}

/** Read-only for functions. */
export interface EventContext {
  event: FunctionEvent
  /** The distribution's own name. */
  domain: string
  distribution: string
  request: string
}

/** Where a question goes, as functions at origin events see it. */
export type SeenOrigin =
  | {
      kind: 'custom'
      domainName: string
      port: number
      protocol: 'http' | 'https'
      /** Empty, or with a slash before and none behind. */
      path: string
      /** Seconds. */
      readTimeout: number
      keepaliveTimeout: number
      sslProtocols: readonly string[]
      customHeaders: FlatHeaders
    }
  | {
      kind: 's3'
      domainName: string
      region: string
      path: string
      authMethod: 'origin-access-identity' | 'none'
      customHeaders: FlatHeaders
    }

export interface SeenBody {
  bytes: Uint8Array
  /** There was more than a function may see. */
  truncated: boolean
}

/** A request as a function is shown it, whatever its form. What has let the viewer in is no part of it. */
export interface SeenRequest {
  clientIp: string
  method: string
  uri: string
  /** Without `?`, as it came. */
  query: string
  /** Names in lower case; `cookie` among them. */
  headers: FlatHeaders
  /** Undefined where the function does not see it. */
  body?: SeenBody | undefined
  /** At origin events. */
  origin?: SeenOrigin | undefined
}

export interface SeenResponse {
  status: number
  headers: FlatHeaders
}

/** A request as a function has left it. What is undefined is as it was. */
export interface GivenRequest {
  kind: 'request'
  path: CanonicalPath | undefined
  query: string | undefined
  /** All of them, names in lower case. */
  headers: FlatHeaders | undefined
  body: Uint8Array | undefined
  origin: SeenOrigin | undefined
}

/** An answer of the function's own, or what it has made of one. */
export interface GivenResponse {
  kind: 'response'
  status: number
  /** All of them, as they go out; Content-Length is not among them. */
  headers: FlatHeaders
  /** Undefined where it said nothing of one. */
  body: Uint8Array | undefined
}

export function unusable(reason: FunctionReason, message: string): Unusable {
  return { kind: 'unusable', reason, message }
}
