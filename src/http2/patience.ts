import { Budget } from './budget.ts'
import { ConnectionError, ENHANCE_YOUR_CALM } from './codes.ts'

/** What a peer may do for nothing, at once and then each second; whoever goes on loses his connection (docs/LIMITS.md). */
const RESETS = { most: 1000, perSecond: 33 }
const QUESTIONS = { most: 1000, perSecond: 33 }
const USELESS = { most: 20_000, perSecond: 1000 }
/** Of the whole life of a connection. */
const WRONG = { most: 100, perSecond: 0 }

/** A peer says that he has taken a frame, or two of them at once; more than this for each is useless. */
const GIVEN_BACK = 4

/** Counts what of a peer's frames costs us work and leads nowhere. */
export class Patience {
  readonly #now: () => number
  readonly #resets: Budget
  readonly #questions: Budget
  readonly #useless: Budget
  readonly #wrong: Budget
  #sent = 0

  /** `now` in milliseconds of a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
    const at = now()
    const of = ({ most, perSecond }: { most: number; perSecond: number }): Budget =>
      new Budget(most, perSecond, at)
    this.#resets = of(RESETS)
    this.#questions = of(QUESTIONS)
    this.#useless = of(USELESS)
    this.#wrong = of(WRONG)
  }

  /** A stream was given up (CVE-2023-44487). */
  reset(): void {
    this.#take(this.#resets, 'too many streams are reset')
  }

  /** A frame asks for an answer of ours (CVE-2019-9512, CVE-2019-9515). */
  question(): void {
    this.#take(this.#questions, 'too many frames ask for an answer')
  }

  /** A frame says nothing that changes anything. `sent` is how many frames of content there were so far. */
  useless(sent: number): void {
    if (sent !== this.#sent) {
      this.#useless.give(GIVEN_BACK * (sent - this.#sent))
      this.#sent = sent
    }
    this.#take(this.#useless, 'too many frames say nothing')
  }

  /** A frame or request breaks the rules, or is empty where something is meant to be (CVE-2019-9518, CVE-2025-8671). */
  wrong(): void {
    this.#take(this.#wrong, 'too many frames break the rules')
  }

  #take(budget: Budget, message: string): void {
    if (!budget.take(this.#now)) throw new ConnectionError(ENHANCE_YOUR_CALM, message)
  }
}
