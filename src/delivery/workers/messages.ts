import type { IssuerId } from '../../core/index.ts'
import type { Snapshot } from '../../distribution/index.ts'
import type { IssuerSet } from '../../outbound/index.ts'
import type { Changed } from '../peers/changed.ts'
import type { Measured } from '../../routing/index.ts'
import type { EdgeOptions } from '../edge.ts'
import type { WorkerTraffic } from './traffic-sums.ts'

/** Who watches a channel: a name for each viewer, the same at every worker, that tells nothing of him. */
export type SeenViewers = [channel: string, viewers: string[]][]

type Ask<Asked, Answered = null> = { asked: Asked; answered: Answered }

/** What a request has changed, and the how manieth change of this edge it is. */
export interface Numbered {
  changed: Changed
  number: number
}

/** What has changed while nobody was in this place, before anybody is answered there; `number` is that of the newest. */
export type Missed = { number: number } & (
  | { kind: 'changes'; changes: Changed[] }
  /** More than anybody remembers: nothing on its part of the disk can be trusted. */
  | { kind: 'too-many' }
)

/** What the manager asks a worker. */
export type ToWorker = {
  /** First of all. It answers when its siblings can ask it. */
  start: Ask<{ options: EdgeOptions; index: number; tickets: string; missed: Missed }>
  /** It answers when the version counts for every request that comes from now on. */
  apply: Ask<{ snapshot: Snapshot; keys: IssuerSet[] }>
  /** Keys of issuers have changed. */
  keys: Ask<IssuerSet[]>
  listen: Ask<null, { http: number; https: number }>
  /** Base64 of 48 bytes. */
  tickets: Ask<string>
  metrics: Ask<null, string>
  traffic: Ask<null, WorkerTraffic>
  /** Those who were seen since it was asked last. */
  viewers: Ask<null, SeenViewers>
  /** How far viewers' networks are, as far as it is news. */
  measured: Ask<null, Measured[]>
  /** It may come as soon as `start` was asked, and comes in the order of the numbers. */
  forget: Ask<Numbered>
  /** Its usage ledger, if it is that one, is put aside, and another begun. */
  anew: Ask<{ book: string; why: string }>
  /** Viewers' transfers end; siblings are still answered. */
  drain: Ask<null>
  /** Everything is let go, and the process ends. */
  end: Ask<null>
}

/** What a worker asks the manager. */
export type ToManager = {
  /** It can be asked from now on; what comes before is not heard. */
  hello: Ask<null>
  /** A token names a key that is not known: answered when the issuer has been asked, and the keys were handed out. */
  renew: Ask<IssuerId>
  /** Answered when every worker has forgotten it, the one who asks among them, or has had its time. */
  forget: Ask<Changed>
}
