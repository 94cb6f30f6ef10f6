import { Lru, type Clock } from '../../core/index.ts'
import { parseAddress } from '../../signing/index.ts'
import type { Client } from '../nearest.ts'
import { NETWORK_BITS, type AddressBytes } from '../networks.ts'
import { AnswerRate } from './answer-rate.ts'
import { RCODE, readQuery, writeCut, writeReply, type Query, type Reply } from './packet.ts'
import { answerOf, refusal, type Site, type ZoneOptions } from './zone.ts'

export interface AnswererOptions {
  zone: ZoneOptions
  /** Undefined as long as nothing is known. The same object as long as no answer would be another. */
  site: () => Site | undefined
  /** What is known of who asks, by an address of his. */
  client: (address: AddressBytes) => Client
  clock: Clock
  /** Answers over UDP a second to one network. */
  perSecond: number
}

export type Over = 'udp' | 'tcp'

/** For metrics: what has become of messages. */
export type Outcome = 'answered' | 'refused' | 'absent' | 'malformed' | 'dropped' | 'limited' | 'failed'

/** Prepared answers are kept so long at most, in case that what clients are measured at has changed. */
const PREPARED_FOR = 2_000
const MOST_PREPARED = 20_000

/** Answers messages; what it says of names is pure (`zone.ts`). Never throws, whatever comes. */
export class Answerer {
  readonly outcomes: Record<Outcome, number> = {
    ...{ answered: 0, refused: 0, absent: 0, malformed: 0, dropped: 0, limited: 0, failed: 0 },
  }
  readonly #options: AnswererOptions
  readonly #rate: AnswerRate
  readonly #prepared = new Lru<string, { message: Buffer; outcome: Outcome }>({ max: MOST_PREPARED })
  #preparedOf: Site | undefined
  #preparedAt = 0

  constructor(options: AnswererOptions) {
    this.#options = options
    this.#rate = new AnswerRate(options)
  }

  /** Undefined where nothing is said. `from` is the address that has sent the message. */
  answer(message: Buffer, from: string, over: Over): Buffer | undefined {
    try {
      return this.#answer(message, from, over)
    } catch {
      // What the codec does not take; nobody is owed an answer to it.
      this.outcomes.dropped++
      return undefined
    }
  }

  #answer(message: Buffer, from: string, over: Over): Buffer | undefined {
    const verdict = over === 'tcp' ? 'answer' : this.#rate.admit(from, this.#options.clock.now())
    if (verdict === 'drop') return this.#count('limited')
    const key = verdict === 'answer' ? this.#keyOf(message, from, over) : undefined
    const prepared = key === undefined ? undefined : this.#prepared.get(key)
    if (prepared !== undefined) {
      this.outcomes[prepared.outcome]++
      const answer = Buffer.from(prepared.message)
      message.copy(answer, 0, 0, 2)
      return answer
    }
    const query = readQuery(message)
    if (query === undefined) return this.#count('dropped')
    const reply = this.#replyTo(query, from)
    if (verdict === 'cut') {
      this.outcomes.limited++
      return writeCut(query, reply)
    }
    const answer = writeReply(query, reply, over)
    const outcome = outcomeOf(reply)
    this.outcomes[outcome]++
    if (key !== undefined) this.#prepared.set(key, { message: answer, outcome })
    return answer
  }

  #count(outcome: Outcome): undefined {
    this.outcomes[outcome]++
    return undefined
  }

  /** All that an answer depends on but its number. What was prepared is thrown away with what it was made of. */
  #keyOf(message: Buffer, from: string, over: Over): string | undefined {
    const site = this.#options.site()
    const now = this.#options.clock.now()
    if (site !== this.#preparedOf || now - this.#preparedAt > PREPARED_FOR || now < this.#preparedAt) {
      this.#prepared.clear()
      this.#preparedOf = site
      this.#preparedAt = now
    }
    // Longer ones are rare, and would fill memory.
    if (message.length < 12 || message.length > 200) return undefined
    return `${over} ${from} ${message.toString('latin1', 2)}`
  }

  #replyTo(query: Query, from: string): Reply {
    const { question, extensions } = query
    if (query.opcode === 'other') return refusal(RCODE.notDone)
    if (query.fault !== undefined || question === undefined) return refusal(RCODE.malformed)
    if (extensions !== undefined && extensions.version !== 0) return refusal(RCODE.version)
    const site = this.#options.site()
    if (site === undefined) return refusal(RCODE.failed)
    const told = extensions?.subnet
    const subnet = told !== undefined && told.source > 0 ? told : undefined
    const asking = (): Client => {
      const address = subnet?.address ?? parseAddress(from)
      return address === undefined ? {} : this.#options.client(address)
    }
    const reply = answerOf(this.#options.zone, site, question, asking)
    if (subnet === undefined || reply.scope === 0) return { ...reply, scope: 0 }
    // We tell no networks apart that are smaller; one that is larger was looked at as a whole.
    return { ...reply, scope: Math.min(subnet.source, NETWORK_BITS[subnet.family === 1 ? 4 : 6]) }
  }
}

function outcomeOf({ code }: Reply): Outcome {
  switch (code) {
    case RCODE.ok:
      return 'answered'
    case RCODE.absent:
      return 'absent'
    case RCODE.failed:
      return 'failed'
    case RCODE.malformed:
    case RCODE.version:
      return 'malformed'
    case RCODE.notDone:
    case RCODE.refused:
      return 'refused'
  }
}
