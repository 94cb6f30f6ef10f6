import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { PlaylistFound } from '../cache/index.ts'
import type { CanonicalPath, Instant, Milliseconds, Reason, RequestId } from '../core/index.ts'
import type { Behaviour, CompiledDistribution, ResponseHeaders } from '../distribution/index.ts'
import type { FieldStatus } from '../fields/index.ts'
import type { CacheKey, FlatHeaders, TraceContext } from '../http/index.ts'
import type { Http1Answer, Http1Request } from '../http1/index.ts'
import type { BodiedRequest as Http2BodiedRequest, BodilessRequest, Http2Stream } from '../http2/index.ts'
import { loggedPath, type PathToken } from '../signing/index.ts'
import { policied } from './answer/policied.ts'
import type { AwaitedAnswer } from './functions/awaited-answer.ts'
import type { Uses } from './functions/node-functions.ts'
import type { Elsewhere } from './functions/other-origin.ts'
import type { TakenBody } from './functions/taken-body.ts'
import type { CacheNode } from './node.ts'
import type { Asker } from './peers/peer-answer.ts'
import type { Source } from './upstream/source.ts'
import type { Viewer } from './viewer.ts'

/** A request that may have a body, and is its stream. */
export type BodiedRequest = IncomingMessage | Http2BodiedRequest
export type Incoming = BodiedRequest | Http1Request | BodilessRequest
export type Outgoing = ServerResponse | Http1Answer | Http2Stream | AwaitedAnswer

/** One step of a request's life; names the next, or nothing when the answer is under way. */
export type Step = (x: Exchange) => Step | undefined | Promise<Step | undefined>

/** What `X-Cache` says, less the product's name. */
export type CacheWord = 'Hit' | 'RefreshHit' | 'Miss' | 'Error'

/** What `deliver` can answer from. */
export type Answerable = Exclude<PlaylistFound, { kind: 'bad-directives' }>

/** A path token, and the first segment of the path that it stood in. */
export interface SpelledToken extends PathToken {
  readonly segment: string
}

/** The request target as later steps see it. */
export interface Target {
  /** As sent, without path token and query; policies are compared with it first. */
  rawPath: string
  /** The only path after `read` (SEAMS 1). */
  path: CanonicalPath
  /** As sent, with signing parameters; empty when there is none. */
  query: string
  token: SpelledToken | undefined
  /** A JSON Web Token that stood in the place of a path token. */
  jwt?: string | undefined
  /** What stands behind three dotted parts that are no token: `malformed` where that is gated. */
  lookalike: string | undefined
}

/** What a function has made of a request's fields. */
export interface GivenFields {
  headers: Record<string, string>
  rawHeaders: readonly string[]
}

/** Of a request to leave HTTP: its connection, and what came behind its head. */
export interface Leaving {
  socket: Socket
  head: Buffer
}

/** How another process is answered that asks in place of a viewer. */
export interface Replies {
  /** Answers with what was found. */
  found: Step
  badDirectives: (x: Exchange, problem: string) => undefined
  failed: (x: Exchange, error: unknown) => undefined
  /** `nowhere` where the one who asks counts it, being of this very node. */
  recorded: 'counted' | 'nowhere'
}

const NONE: ReadonlySet<string> = new Set()

/** What may be kept for so long, or longer, is static (CloudFront's billing reports). */
const STATIC: Milliseconds = 3_600_000

/** One request and what the steps learn about it, in the order in which they learn it. */
export class Exchange {
  readonly node: CacheNode
  readonly request: Incoming
  /** One that waits, where a function has the last word on its head. */
  response: Outgoing
  /** The bare connection of a request to leave HTTP. */
  readonly leaving: Leaving | undefined
  readonly startedAt: Instant
  readonly id: RequestId
  /** Set by `read`. */
  viewer: Viewer | undefined
  target: Target | undefined
  /** Set by `read`: false where the fields that name a condition or a range need not be looked for. */
  selects = true
  /** Set by it too, and by `readPeer` and `readNode`: where whoever asks names a trace. */
  trace: TraceContext | undefined
  /** Set by `match`. */
  served: CompiledDistribution | undefined
  behaviour: Behaviour | undefined
  /** Set by `authorize`: tells grants apart, and opens nothing. */
  grant = ''
  /** The query without what signs it; undefined while nobody needed it. */
  ownQuery: string | undefined
  /** Set by `viewerRequest`: the fields that a function has given in place of the viewer's. */
  given: GivenFields | undefined
  /** Set by it too, and by `readPeer` and `readNode`: the path that found the behaviour, where the target has another. */
  named: CanonicalPath | undefined
  /** Set by them too: the origin that a function has chosen in place of the behaviour's. */
  elsewhere: Elsewhere | undefined
  /** Set by `viewerRequest`: the answer is a function's own. */
  generated = false
  /** Set by whoever shows it to a function: what there is of the request's body. */
  taken: TakenBody | undefined
  /** Set by `authorize`: header fields (lower case) that may carry a grant here; they are never keyed or sent on. */
  spent: ReadonlySet<string> = NONE
  /** Set by `key`: what is keyed of query and header fields goes upstream too, and so do a playlist's directives. */
  source: Source | undefined
  key: CacheKey | undefined
  query = ''
  /** The same, and what of the query goes upstream without being keyed. */
  sentQuery = ''
  variant = ''
  forwarded: FlatHeaders = []
  directives = ''
  /** Of the question for a page that is shown in place of an error: the request that met that. */
  standsFor: Exchange | undefined
  /** Set by `readPeer`: who asks is not a viewer but another process of this node, on behalf of one. */
  asker: Asker | undefined
  /** Set by `readPeer` and `readNode`: what takes the place of a viewer's answer; undefined for a viewer. */
  replies: Replies | undefined
  /** Set by them too: the invalidation number that held before the lookup. */
  appliedThen = 0
  /** Set by `lookup`. */
  found: Answerable | undefined
  /** Set by `lookup`: what was found is a page of the distribution's in place of an error of this status. */
  inPlaceOf: number | undefined
  /** Set by `deliver`: a viewer who accepts other codings may be sent something else; no range of it makes sense. */
  variesByCoding = false
  wholeOnly = false
  /** For the record. */
  status = 0
  cache: CacheWord = 'Error'
  reason: Reason | undefined
  bodyBytes = 0
  /** Of these, what was counted to be paid for; undefined before its answer has begun. */
  counted: number | undefined
  /** Set by whoever answers: whether what is sent may be kept for `STATIC` or longer. */
  lasting: 'static' | 'dynamic' = 'dynamic'
  /** The fields of its answer, and when their head was handed on; only where `isLogged`. */
  sent: readonly string[] | undefined
  headAt: Instant | undefined
  /** The viewer was gone before there was a head; only where `isLogged`. */
  leftBefore = false
  /** Who broke the answer off, where it was not the viewer. */
  brokenBy: 'origin' | undefined
  /** What became of the fields of its form; undefined where none are encrypted. */
  form: { status: FieldStatus; fields: number } | undefined

  constructor(node: CacheNode, request: Incoming, response: Outgoing, leaving?: Leaving) {
    this.node = node
    this.leaving = leaving
    this.request = request
    this.response = response
    this.startedAt = node.clock.now()
    this.id = node.nextRequestId()
  }

  get gated(): boolean {
    return this.behaviour !== undefined && this.behaviour.gate !== null
  }

  /** The path of the channel that the object is of, once `key` has found whom to ask; only ours has channels. */
  get channel(): string | undefined {
    if (this.source?.origin.kind !== 'built-in' || this.target === undefined) return undefined
    return this.node.channelOf(this.target.path)
  }

  /** The path as logs may hold it. */
  get loggedPath(): string | undefined {
    return this.target === undefined ? undefined : loggedPath(this.target.path)
  }

  /** What the behaviour's policy makes of answers to viewers; undefined for most. */
  get rules(): ResponseHeaders | undefined {
    const rules = this.behaviour?.responseHeaders
    // What is ours under a viewer's host is no behaviour's, and nodes are told what their origin has said.
    if (rules === undefined || this.replies !== undefined || this.target?.path.startsWith('/.sluice/'))
      return undefined
    return rules
  }

  /** Whether more of it is written down than of others. */
  get isLogged(): boolean {
    return this.served?.distribution.logs !== undefined
  }

  /** Keeps of a head what is written down of it. */
  keepHead(fields: readonly string[]): void {
    if (this.response.destroyed) {
      this.leftBefore = true
      return
    }
    this.sent = fields
    this.headAt = this.node.clock.now()
  }

  /** Writes status and head. */
  head(status: number, headers: string[]): void {
    this.status = status
    this.node.usage.counts.begun(this)
    const { rules } = this
    const all = rules === undefined ? headers : policied(this, rules, headers)
    if (this.isLogged) this.keepHead(all)
    this.response.writeHead(status, all)
  }

  /** Whom it is to be asked of; undefined when its behaviour names an origin that is not there. */
  get origins(): Source | undefined {
    return this.elsewhere?.source ?? this.node.sourceOf(known(this.behaviour, 'the behaviour'))
  }

  /** Whether what is sent is kept for long counts for what is paid for it. */
  keptFor(span: Milliseconds): void {
    this.lasting = span >= STATIC ? 'static' : 'dynamic'
  }

  /** The functions that are run for it; undefined for most. */
  get uses(): Uses | undefined {
    return this.behaviour?.functions === undefined ? undefined : this.node.usesOf(this.behaviour)
  }

  /** The viewer's fields, names in lower case, or those that a function has given in their place. */
  get headers(): Incoming['headers'] {
    return this.given?.headers ?? this.request.headers
  }

  /** The same as they came: name, value, name, value. */
  get rawHeaders(): readonly string[] {
    return this.given?.rawHeaders ?? this.request.rawHeaders
  }

  header(name: string): string | undefined {
    const value = this.headers[name]
    return typeof value === 'string' ? value : value?.join(', ')
  }
}

/** What an earlier step has set; a step that asks too early is a mistake of ours. */
export function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is not known at this step`)
  return value
}
