import type {
  Ask,
  Filling,
  Found,
  PlaylistFound,
  Reached,
  StoredObject,
  UpstreamAnswer,
} from '../../cache/index.ts'
import { codeOf, instant, SluiceError, type Bytes } from '../../core/index.ts'
import { fieldValue, nodeAge, withoutFields, type Validators } from '../../http/index.ts'
import type { Exchange, Outgoing } from '../exchange.ts'
import { asOwnersFound } from './borrowed-found.ts'
import { hasLeft } from '../answer/send-stream.ts'
import type { Neighbour, Owned } from './neighbour.ts'

export interface Elsewhere {
  owner: Neighbour
  /** Asks upstream, past the owner. */
  alone: Ask
  /** Looks up anew, past the owner. */
  again: () => Found | Promise<Found>
}

/** Bytes that are on their way already. */
interface Part {
  first: Bytes
  answer: UpstreamAnswer
}

/** Thrown through the cache of copies where an object is too large for it: whoever asked reads it at its owner. */
export class LargeElsewhere extends Error {
  /** Head and bytes are of this one's request; some fields may be for his eyes alone. */
  readonly asker: Exchange
  readonly #owned: Owned & { kind: 'answer' }

  constructor(asker: Exchange, owned: Owned & { kind: 'answer' }) {
    super('what is asked for is read at its owner')
    this.asker = asker
    this.#owned = owned
  }

  static is({ headers }: UpstreamAnswer): boolean {
    return fieldValue(headers, 'sluice-large') !== undefined
  }

  /** For the one who asked. */
  found(elsewhere: Elsewhere): PlaylistFound {
    const { answer } = this.#owned
    const x = this.asker
    const length = Number(fieldValue(answer.headers, 'sluice-large'))
    const [first = 0] = (fieldValue(answer.headers, 'sluice-part') ?? '').split('-').map(Number)
    const fill = new LargeFilling(x, { elsewhere, length, part: { first, answer }, head: answer })
    return asOwnersFound({
      ...{ kind: 'filling', fill, reason: 'miss', joined: false },
      // No body of one piece is made of it.
      whole: refusedWhole(),
    })
  }
}

/** Lets an answer go with the viewer whose it is. */
export function destroyWith(response: Outgoing, answer: UpstreamAnswer): void {
  // `close` may be over already.
  if (hasLeft(response)) answer.destroy()
  else response.once('close', () => answer.destroy())
}

function refusedWhole(): Promise<StoredObject> {
  const refused = Promise.reject(new SluiceError('too-large', 'it is too large to be one body'))
  refused.catch(() => {})
  return refused
}

interface LargeParts {
  elsewhere: Elsewhere
  length: Bytes
  part: Part
  head: UpstreamAnswer
}

/** A large object, read at the worker that owns it; at its origin when that one dies meanwhile. */
class LargeFilling implements Filling {
  readonly status: number
  readonly headers: Filling['headers']
  readonly validators: Validators
  readonly length: Bytes
  readonly bornAt: Filling['bornAt']
  readonly #x: Exchange
  readonly #elsewhere: Elsewhere
  /** The owner's own word for these bytes, where a validator does not name them. */
  readonly #body: string | undefined
  #part: Part | undefined

  constructor(x: Exchange, { elsewhere, length, part, head }: LargeParts) {
    this.#x = x
    this.#elsewhere = elsewhere
    this.#part = part
    this.status = head.status
    this.headers = withoutFields(head.headers, OF_THE_PART)
    this.validators = {
      etag: fieldValue(head.headers, 'etag'),
      lastModified: fieldValue(head.headers, 'last-modified'),
    }
    this.#body = fieldValue(head.headers, 'sluice-body')
    this.length = length
    this.bornAt = instant(head.respondedAt - nodeAge(head.headers))
  }

  /** Has the first of these bytes come before a head is written, and learns whether their owner had to fetch them. */
  async reach(first: Bytes, last: Bytes): Promise<Reached> {
    let answer
    try {
      answer = this.#take(first) ?? (await this.#ask(first, Math.min(last, this.length - 1)))
    } catch (error) {
      if (codeOf(error) !== 'upstream-changed') throw error
      return { kind: 'changed', found: await this.#elsewhere.again() }
    }
    this.#part = { first, answer }
    destroyWith(this.#x.response, answer)
    return { kind: fieldValue(answer.headers, 'sluice-reached') === 'stored' ? 'stored' : 'fetched' }
  }

  async *read(first: Bytes, wanted = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
    const last = Math.min(wanted, this.length - 1)
    let at = first
    while (at <= last) {
      const before = at
      const answer = this.#take(at) ?? (await this.#ask(at, last))
      try {
        for await (const chunk of answer.body) {
          const bytes = chunk.subarray(0, last + 1 - at)
          at += bytes.length
          if (bytes.length > 0) yield bytes
          // Read to its end where nothing else follows, so that its connection serves again.
          if (bytes.length < chunk.length) break
        }
      } catch (error) {
        // It broke off; what is missing is asked for once more, unless that brought nothing.
        if (at === before) throw error
      } finally {
        answer.destroy()
      }
      if (at === before) throw changed()
    }
  }

  /** What came with the head, once, if it begins there. */
  #take(first: Bytes): UpstreamAnswer | undefined {
    const part = this.#part
    this.#part = undefined
    if (part?.first === first) return part.answer
    part?.answer.destroy()
    return undefined
  }

  async #ask(first: Bytes, last: Bytes): Promise<UpstreamAnswer> {
    const { owner, alone } = this.#elsewhere
    const version = this.validators
    const answer = await owner.read(this.#x, { first, last, version, body: this.#body })
    if (answer !== undefined) return answer
    // Only what names one version may be put together from two sources.
    const validator = version.etag?.startsWith('W/') === false ? version.etag : undefined
    if (validator === undefined) throw changed()
    const range = `bytes=${first}-${last}`
    const other = await alone({ validators: undefined, range, ifRange: validator, patience: 'full' })
    const there = fieldValue(other.headers, 'content-range')
    if (
      other.status === 206 &&
      there === `bytes ${first}-${last}/${this.length}` &&
      fieldValue(other.headers, 'etag') === validator
    )
      return other
    other.destroy()
    throw changed()
  }
}

const OF_THE_PART: ReadonlySet<string> = new Set([
  ...['content-length', 'sluice-large', 'sluice-part', 'sluice-reached', 'sluice-body'],
])

function changed(): SluiceError {
  return new SluiceError('upstream-changed', 'the rest of this version cannot be had any more', {
    side: 'upstream',
    kind: 'unavailable',
  })
}
