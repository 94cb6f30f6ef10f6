import { judgeStorability, type ByteRange } from '../http/index.ts'
import type { Asking, Landing } from './asking.ts'
import type { StoredObject, UpstreamAnswer } from './contract.ts'
import { contentLength, validatorsOf } from './declared.ts'
import { Landings, type LandingsParts } from './landings.ts'
import { rangeFields, readPartial, validatorOf } from './large/index.ts'
import { mayStandIn } from './stand-in.ts'
import { unaskedFor } from './unshared.ts'

/** Asks upstream once, and decides what becomes of the answer. */
export class Fetcher {
  readonly #parts: LandingsParts
  readonly #landings: Landings

  constructor(parts: LandingsParts) {
    this.#parts = parts
    this.#landings = new Landings(parts)
  }

  /** Rejects with a SluiceError of side `upstream` when there is no answer and nothing that may stand in. */
  async fetch(asking: Asking): Promise<Landing> {
    const { request, stored } = asking
    const standIn = stored && mayStandIn(stored, this.#parts.clock.now()) ? stored : undefined
    const wanted = this.#wanted(asking)
    let answer: UpstreamAnswer
    try {
      answer = await request.ask({
        validators: stored?.validators,
        patience: standIn ? 'brief' : 'full',
        ...rangeFields(request, wanted),
      })
    } catch (error) {
      if (standIn) return this.#landings.fallBack(asking, standIn)
      throw error
    }
    if (answer.status === 304) {
      if (stored && isAbout(answer, stored)) return this.#landings.refresh(asking, stored, answer)
      answer.destroy()
      if (!stored) throw unaskedFor(304)
      return this.#fetchInstead(asking, stored, answer)
    }
    if (standIn && answer.status >= 500) {
      answer.destroy()
      return this.#landings.fallBack(asking, standIn)
    }
    const said = readPartial(answer, wanted, request)
    if (said.kind === 'own') return this.#passPart(asking, answer)
    if (said.kind === 'empty') return this.fetch({ ...asking, extent: 'whole' })
    answer = said.answer
    this.#parts.large.admit(answer)
    const verdict = judgeStorability(answer, request.bounds)
    const large = said.kind === 'slice' || this.#parts.large.takes(answer)
    // Of a part that is not to be kept, the viewer gets the one that he asked for.
    if (said.kind === 'loose' || (said.kind === 'slice' && verdict.kind === 'pass')) {
      answer.destroy()
      return this.fetch({ ...asking, extent: 'own' })
    }
    if (answer.unshared !== undefined) return this.#landings.pass(asking, answer, answer.unshared)
    if (verdict.kind === 'pass') return this.#landings.pass(asking, answer, verdict.reason)
    if (wanted !== undefined && isOfTheRange(answer.status))
      return this.#landings.pass(asking, answer, 'status')
    if (!large && (contentLength(answer.headers) ?? 0) > this.#parts.limits.largestObject)
      return this.#landings.pass(asking, answer, 'too-large')
    const place = this.#landings.placeOf(asking, answer)
    if (place === undefined) return this.#landings.pass(asking, answer, 'vary')
    const crowded = large && this.#parts.large.makeRoom() === 'crowded'
    if (crowded && said.kind === 'slice') {
      answer.destroy()
      return this.fetch({ ...asking, extent: 'own' })
    }
    // Where there is no memory for slices, all who want it now get it as it comes.
    if (large && !crowded) {
      const part =
        said.kind === 'slice' ? { part: said.range } : wanted !== undefined && wanted !== 'own' && { wanted }
      return this.#landings.begin({ ...asking, key: place.key }, answer, verdict, { ...place, ...part })
    }
    return this.#landings.fill({ ...asking, key: place.key }, answer, verdict, place.varies)
  }

  /**
   * After a 304 that freshens something that is not in store (RFC 9111 §4.3.4): the whole. Where that cannot be had, what
   * answers a question that named one tag alone is better than nothing.
   */
  async #fetchInstead(asking: Asking, stored: StoredObject, confirmed: UpstreamAnswer): Promise<Landing> {
    try {
      return await this.fetch({ ...asking, stored: undefined })
    } catch (error) {
      if (stored.validators.etag === undefined) throw error
      return this.#landings.refresh(asking, stored, confirmed)
    }
  }

  /** Of what nothing is known, and of what is kept in slices, no more than is wanted; of the rest all. */
  #wanted({ request, stored, extent }: Asking): ByteRange | 'own' | undefined {
    if (extent === 'own') return request.range === undefined ? undefined : 'own'
    const whole = extent === 'whole' || (stored !== undefined && stored.large === undefined)
    return whole ? undefined : this.#parts.large.firstPart(request)
  }

  /** A viewer's own range. What could be put together after all is asked for in slices the next time. */
  #passPart(asking: Asking, answer: UpstreamAnswer): Landing {
    const verdict = judgeStorability({ ...answer, status: 200 }, asking.request.bounds)
    const landing = this.#landings.pass(
      asking,
      answer,
      verdict.kind === 'pass' ? verdict.reason : 'too-large',
    )
    if (verdict.kind === 'store' && validatorOf(answer) !== undefined)
      this.#parts.unshared.delete(asking.key, asking.request)
    return landing
  }
}

/** Whether an error may be one of the range that one viewer wants: what is gone is so in every part. */
function isOfTheRange(status: number): boolean {
  return status >= 400 && status < 500 && status !== 404 && status !== 410
}

/**
 * Whether a 304 is of the stored body. A weak tag answers a question that named the stored one alone, so it can mean
 * nothing else, and the stored tag stays; a strong one may freshen nothing but what bears it (RFC 9111 §4.3.4).
 */
function isAbout(answer: UpstreamAnswer, { validators }: StoredObject): boolean {
  const { etag } = validatorsOf(answer.headers)
  if (etag === undefined) return true
  if (validators.etag === undefined) return false
  // Who compresses an answer makes its tag weak, and that of the 304 about it may be left strong.
  return etag.startsWith('W/') || etag === validators.etag.replace(/^W\//, '')
}
