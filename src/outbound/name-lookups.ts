import type { LookupAddress } from 'node:dns'
import { after, Lru, type Clock, type Instant, type Milliseconds } from '../core/index.ts'

/** Resolves a name; with an error there may be no addresses at all, whatever the types of Node say. */
export type Resolve = (
  name: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[] | undefined) => void,
) => void
type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void

/** A lookup takes one of libuv's few threads, which disk and compression need too (SEAMS 34). */
const KEPT: Milliseconds = 30_000
/** A name that is not there, or a resolver that is away; long enough that a crowd asks once. */
const FAILURE_KEPT: Milliseconds = 1_000
const MOST_NAMES = 1_000

interface Known {
  error: NodeJS.ErrnoException | null
  addresses: LookupAddress[]
  at: Instant
}

/**
 * Remembers what names resolve to, for half a minute, and failures for a second; a name that is being resolved is asked
 * for once however many wait. Past a thousand names those used longest ago are resolved anew. Whether an address may be
 * asked is judged elsewhere, each time.
 */
export function rememberedLookups(resolve: Resolve, clock: Clock): (name: string, answer: Answer) => void {
  const known = new Lru<string, Known>({ max: MOST_NAMES })
  const waiting = new Map<string, Answer[]>()

  function learnt(name: string, error: NodeJS.ErrnoException | null, addresses: LookupAddress[]): void {
    known.set(name, { error, addresses, at: clock.now() })
    const answers = waiting.get(name) ?? []
    waiting.delete(name)
    for (const answer of answers) answer(error, [...addresses])
  }

  return (name, answer) => {
    const before = known.get(name)
    if (before && holds(before, clock.now())) {
      // Never before the asker has gone on, as with a lookup that takes its time.
      process.nextTick(() => answer(before.error, [...before.addresses]))
      return
    }
    const others = waiting.get(name)
    if (others) return void others.push(answer)
    waiting.set(name, [answer])
    resolve(name, (error, addresses = []) => learnt(name, error, addresses))
  }
}

/** What was learnt in the future was learnt before the clock was set back. */
function holds({ error, addresses, at }: Known, now: Instant): boolean {
  const life = error === null && addresses.length > 0 ? KEPT : FAILURE_KEPT
  return now >= at && now < after(at, life)
}
