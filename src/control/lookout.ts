import { messageOf, type Clock, type Instant, type Milliseconds } from '../core/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import {
  addEvent,
  openInvalidations,
  listInvalidations,
  listNodes,
  newestOf,
  type Database,
  type NewEvent,
  type Tx,
} from './database/index.ts'

export interface LookoutOptions {
  database: Database
  acknowledgements: Acknowledgements
  clock: Clock
  log: Logger
}

const EVERY: Milliseconds = 1_000
/** So long nothing is heard of a node before it counts as lost: twice what shows it as away. */
const LOST_AFTER: Milliseconds = 30_000
/** So long without a look, this process stood still, and cannot know who was silent meanwhile. */
const STILL: Milliseconds = 5_000
/** Older invalidations are waited for no longer. */
const WAITED_FOR: Milliseconds = 86_400_000

/** Sees what no request says: that a node is silent, and that all nodes have an invalidation. */
export class Lookout {
  readonly #options: LookoutOptions
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #lookedAt: Instant | undefined
  #graceUntil = 0

  constructor(options: LookoutOptions) {
    this.#options = options
  }

  start(): void {
    let busy = false
    this.#timer = setInterval(() => {
      if (busy) return
      busy = true
      this.#looking = this.look().finally(() => (busy = false))
    }, EVERY).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Writes down what has changed since the last look. Never rejects. */
  async look(): Promise<void> {
    const { database, clock, log } = this.#options
    const now = clock.now()
    const last = this.#lookedAt
    this.#lookedAt = now
    if (last !== undefined && (now < last || now - last > STILL)) this.#graceUntil = now + LOST_AFTER
    try {
      const news = await database.read(tx => this.#news(tx, now))
      if (news.length === 0) return
      // Again, since another control may have written the same meanwhile.
      await database.transaction(async tx => {
        for (const event of await this.#news(tx, now)) await addEvent(tx, event)
      })
    } catch (error) {
      log.debug({ error: messageOf(error) }, 'the lookout cannot see the database yet')
    }
  }

  async #news(tx: Tx, now: Instant): Promise<NewEvent[]> {
    return [...(await this.#nodes(tx, now)), ...(await this.#invalidations(tx, now))]
  }

  async #nodes(tx: Tx, now: Instant): Promise<NewEvent[]> {
    const { acknowledgements } = this.#options
    const told = await newestOf(tx, ['node.lost', 'node.back'])
    return (await listNodes(tx)).flatMap(({ id, role }): NewEvent[] => {
      if (role === 'control') return []
      const { span, heard } = acknowledgements.silence(id)
      const lost = told.get(id) === 'node.lost'
      if (!lost && span >= LOST_AFTER && now >= this.#graceUntil)
        return [{ type: 'node.lost', subject: id, data: { role } }]
      // After a start of control everybody is silent for a moment, which says nothing.
      if (lost && span < LOST_AFTER && heard === 'since-the-start')
        return [{ type: 'node.back', subject: id, data: { role } }]
      return []
    })
  }

  async #invalidations(tx: Tx, now: Instant): Promise<NewEvent[]> {
    const { acknowledgements } = this.#options
    const open = await openInvalidations(tx, now - WAITED_FOR)
    if (open.length === 0) return []
    const nodes = await listNodes(tx)
    const all = await listInvalidations(tx)
    return open.flatMap((id): NewEvent[] => {
      const made = all.find(each => each.id === id)
      if (made === undefined || acknowledgements.lacking(made.snapshotVersion, nodes).length > 0) return []
      const once = `${id}-completed`
      return [{ type: 'invalidation.completed', subject: id, once }]
    })
  }
}
