import { after, type DistributionId, type Instant, type Milliseconds } from '../../core/index.ts'

/** An origin of a group, as metrics name it. */
export interface MemberName {
  distribution: DistributionId
  origin: string
}

/** `probe`: it has been left alone for a while, and this question finds out whether it is back. */
export type Turn = 'ask' | 'probe' | 'skip'

/** After so many questions in a row that found no connection the next ones do not wait for one. */
const ENOUGH = 2
const REST: Milliseconds = 5_000
/** Functions may choose ever new origins: of so many the first is forgotten. */
const MOST_MEMBERS = 1_000

interface Member {
  name: MemberName
  /** Questions in a row that found no connection. */
  failed: number
  /** No question before that; each one after it puts it off. */
  restsUntil: Instant
  failovers: number
}

/** Which origins of groups are worth asking, as far as their connections tell. What they answer does not count. */
export class OriginHealth {
  /** Of what is configured; see `keep`. */
  readonly #members = new Map<string, Member>()

  /** What the question in hand is to do; `probe` is said once, and not again for a while. */
  turn(name: MemberName, now: Instant): Turn {
    const member = this.#members.get(keyOf(name))
    if (member === undefined || member.failed < ENOUGH) return 'ask'
    if (isResting(member, now)) return 'skip'
    member.restsUntil = after(now, REST)
    return 'probe'
  }

  connected(name: MemberName): void {
    const member = this.#members.get(keyOf(name))
    if (member !== undefined) member.failed = 0
  }

  unconnected(name: MemberName, now: Instant): void {
    const member = this.#memberOf(name)
    member.failed = Math.min(member.failed + 1, ENOUGH)
    if (member.failed === ENOUGH) member.restsUntil = after(now, REST)
  }

  /** The question goes on to the other member. */
  passedOn(name: MemberName): void {
    this.#memberOf(name).failovers++
  }

  /** Forgets all others. */
  keep(names: Iterable<MemberName>): void {
    const kept = new Set([...names].map(keyOf))
    for (const key of [...this.#members.keys()]) if (!kept.has(key)) this.#members.delete(key)
  }

  /** How many questions have gone on to the other member. */
  *failovers(): Generator<[MemberName, number]> {
    for (const { name, failovers } of this.#members.values()) if (failovers > 0) yield [name, failovers]
  }

  /** How many are left alone. */
  resting(now: Instant): number {
    return [...this.#members.values()].filter(each => each.failed === ENOUGH && isResting(each, now)).length
  }

  #forgetFirst(): void {
    for (const key of this.#members.keys()) {
      this.#members.delete(key)
      return
    }
  }

  #memberOf(name: MemberName): Member {
    const key = keyOf(name)
    let member = this.#members.get(key)
    if (member === undefined) {
      if (this.#members.size >= MOST_MEMBERS) this.#forgetFirst()
      member = { name, failed: 0, restsUntil: 0 as Instant, failovers: 0 } // before anything happened
      this.#members.set(key, member)
    }
    return member
  }
}

/** A clock that was set back must not make it rest for longer. */
function isResting({ restsUntil }: Member, now: Instant): boolean {
  return now < restsUntil && restsUntil <= after(now, REST)
}

function keyOf({ distribution, origin }: MemberName): string {
  return `${distribution} ${origin}`
}
