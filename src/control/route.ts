import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Bytes, NodeId, RoleName, Static, TSchema } from '../core/index.ts'
import type { Scope } from '../client/index.ts'

/** Who may ask: everybody, a token with one of these scopes (`admin` always may), or a node of one of these roles. */
export type Access =
  { kind: 'public' } | { kind: 'token'; scope: Scope } | { kind: 'node'; roles: readonly RoleName[] }

/** What a handler sees of a request; its shapes have been checked. */
export interface Asked<Params, Query, Body> {
  params: Params
  query: Query
  body: Body
  headers: IncomingHttpHeaders
  /** Set where nodes ask. */
  node: NodeId | undefined
  /** Aborts when the asker goes away or control closes: long polls end then. */
  signal: AbortSignal
}

export interface Answered {
  status: number
  /** A value that becomes JSON, or the text of JSON that is ready. */
  body?: object | { readonly json: string }
  headers?: Record<string, string>
}

/** Text that is JSON already; it is sent as it is. */
export class ReadyJson {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

export interface Described {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With `:name` for parameters. */
  path: string
  access: Access
  /** One line for the API's document. */
  summary: string
  params?: TSchema
  query?: TSchema
  body?: TSchema
  /** More than the server takes of any other. */
  largestBody?: Bytes
  /** By status; null has no body. */
  answers: Record<number, TSchema | null>
}

/** One operation of an API: what it takes and gives, who may use it, and what it does. */
export interface Route extends Described {
  kind: 'json'
  handle(asked: Asked<unknown, unknown, unknown>): Promise<Answered>
}

/** A path of which the bodies are streams; the handler writes the answer itself. */
export interface RawRoute {
  kind: 'raw'
  methods: string[]
  path: string
  access: Access
  summary: string
  /**
   * Of an API of others, which has refusals and a description of its own: bodies may be of any type, and it is not in our
   * document. `below` takes everything that begins with `path`, however it goes on, neither decoded nor bounded.
   */
  foreign?: 'at' | 'below'
  /** What the stream's events hold, where it is one of server-sent events. */
  events?: TSchema
  handle(request: IncomingMessage, response: ServerResponse, params: Record<string, string>): Promise<void>
}

type StaticOf<S> = S extends TSchema ? Static<S> : undefined

/** Ties a handler's types to the schemas that its input is checked with. */
export function route<D extends Described>(
  described: D,
  handle: (
    asked: Asked<StaticOf<D['params']>, StaticOf<D['query']>, StaticOf<D['body']>>,
  ) => Promise<Answered>,
): Route {
  return { ...described, kind: 'json', handle } // the server checks with these very schemas
}
