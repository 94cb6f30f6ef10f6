import { pause, type Clock, type Reason } from '../core/index.ts'
import type { Channel, Snapshot } from '../distribution/index.ts'
import type { PublishRequest, PublishVerdict } from '../ingest/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { admit } from './admission.ts'
import type { Counters } from './counters.ts'
import type { OriginReached } from './hand-over.ts'
import type { GatewayLimits } from './options.ts'
import { Publisher } from './publisher.ts'
import { compileSite, type Site } from './site.ts'

export interface GatewayParts {
  /** Where a channel's stream goes; another one with each try that came to nothing. */
  origin: (channel: Channel, tries: number) => OriginReached | undefined
  /** The value of `Sluice-Node` for origins. */
  token: () => Promise<string>
  /** Settles when there is a first snapshot. */
  started: () => Promise<void>
  /** Whether encoders are to go elsewhere; those that are here stay. */
  draining: () => boolean
  limits: GatewayLimits
  clock: Clock
  counters: Counters
  log: Logger
}

/** The last tags of encoders that have unpublished may take so long at the end. */
const LAST_TAGS = 1_000

/** Who may publish, and who does: judges encoders by the newest snapshot and keeps those that were accepted. */
export class Gateway {
  readonly #parts: GatewayParts
  readonly #publishers = new Set<Publisher>()
  #site: Site | undefined

  constructor(parts: GatewayParts) {
    this.#parts = parts
  }

  /** Encoders of channels that were stopped or are gone are cut; the others stay, whatever became of their keys. */
  apply(snapshot: Snapshot): void {
    this.#site = compileSite(snapshot)
    const { unusable } = this.#site
    if (unusable.length > 0)
      this.#parts.log.error({ keys: unusable }, 'keys that cannot be read open nothing')
    for (const publisher of this.#publishers) publisher.look()
  }

  get publishers(): number {
    return this.#publishers.size
  }

  /** For ingest, before it says or reads anything. Never rejects. */
  async authorize(request: PublishRequest): Promise<PublishVerdict> {
    const { clock, counters, log } = this.#parts
    const refuse = (reason: Reason, detail: string): PublishVerdict => {
      counters.refused(reason)
      return { kind: 'refused', reason, detail }
    }
    counters.asked()
    const site = await this.#whenThereIsOne(request.signal)
    if (!site) return refuse('origin-away', 'this gateway knows no channels yet')
    const admission = admit(request, site, clock.now())
    if (admission.kind === 'refused') return refuse(admission.reason, admission.detail)
    // Told to nobody who may not publish.
    if (this.#parts.draining()) return refuse('busy', 'this gateway is being emptied: publish to another one')
    const { channel } = admission
    const publisher = new Publisher({
      ...this.#parts,
      ...{ request, channel },
      log: log.child({ path: channel.path, address: request.address }),
      current: () => this.#site?.channel(channel.path),
      origin: tries => this.#parts.origin(this.#site?.channel(channel.path) ?? channel, tries),
    })
    this.#publishers.add(publisher)
    void publisher.over.then(() => this.#publishers.delete(publisher))
    const opened = await publisher.open()
    if (opened.kind === 'refused') return refuse(opened.reason, opened.detail)
    return { kind: 'accepted', sink: publisher }
  }

  /** Who is still here is let go; who has unpublished gets a moment for the last tags. */
  async close(): Promise<void> {
    const all = [...this.#publishers]
    for (const publisher of all) publisher.close()
    const limit = new AbortController()
    await Promise.race([Promise.all(all.map(each => each.over)), pause(LAST_TAGS, limit.signal)])
    limit.abort()
    for (const publisher of all) publisher.abandon()
  }

  /** In the first moment of a gateway's life an encoder waits rather than being refused. */
  async #whenThereIsOne(left: AbortSignal): Promise<Site | undefined> {
    const { started, limits } = this.#parts
    if (this.#site) return this.#site
    const enough = new AbortController()
    const either = AbortSignal.any([left, enough.signal])
    await Promise.race([started().catch(() => {}), pause(limits.letGoAfter, either)])
    enough.abort()
    return this.#site
  }
}
