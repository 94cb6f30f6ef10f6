import type { UpstreamAnswer } from '../../cache/index.ts'
import { codeOf, type Clock, type DistributionId } from '../../core/index.ts'
import type { MemberName, OriginHealth, Turn } from './origin-health.ts'
import { neverConnected } from './patience.ts'
import type { Member, Source } from './source.ts'

/** What there is to know of whom a question goes to. */
export interface Asking extends Pick<Source, 'failover'> {
  first: Member
  second: Member
  distribution: DistributionId
  health: OriginHealth
  clock: Clock
  /** `brief`: it is to be found out whether a member is back, with no more patience than that takes. */
  ask: (member: Member, patience: 'as-asked' | 'brief') => Promise<UpstreamAnswer>
}

/**
 * Asks the first member of a group, and the second where the first cannot be asked or answers with a status that fails
 * over. Each question begins with the first again, but while no connection to it comes about: for a while it is left out
 * then. When both fail, what the second answers or fails with counts.
 */
export function askInTurn(asking: Asking): Promise<UpstreamAnswer> {
  const turn = turnOf(asking, asking.first)
  if (turn !== 'skip') return fromTheFirst(asking, turn)
  const other = turnOf(asking, asking.second)
  // Where both are away there is nothing to be saved.
  return other === 'skip' ? fromTheFirst(asking, 'ask') : fromTheSecond(asking, other)
}

async function fromTheFirst(asking: Asking, turn: Turn): Promise<UpstreamAnswer> {
  const { first, second, failover, health } = asking
  let answer: UpstreamAnswer | undefined
  try {
    answer = await attempt(asking, first, turn)
    if (!failover.has(answer.status)) return answer
  } catch {
    // What went wrong is in the log if it goes wrong at the second too.
  }
  const next = answer === undefined ? 'ask' : turnOf(asking, second)
  // An answer is worth more than a connection that will not come about.
  if (answer !== undefined && next === 'skip') return answer
  answer?.destroy()
  health.passedOn(nameOf(asking, first))
  return attempt(asking, second, next)
}

async function fromTheSecond(asking: Asking, turn: Turn): Promise<UpstreamAnswer> {
  const { first, second, health } = asking
  health.passedOn(nameOf(asking, first))
  try {
    return await attempt(asking, second, turn)
  } catch (error) {
    // The first was left out for the sake of time alone.
    return attempt(asking, first, 'ask').catch(() => {
      throw error
    })
  }
}

async function attempt(asking: Asking, member: Member, turn: Turn): Promise<UpstreamAnswer> {
  const { health, clock, ask } = asking
  const name = nameOf(asking, member)
  try {
    const answer = await ask(member, turn === 'probe' ? 'brief' : 'as-asked')
    health.connected(name)
    return answer
  } catch (error) {
    if (neverConnected(error)) health.unconnected(name, clock.now())
    // Who finds no place among those who wait has learnt nothing.
    else if (codeOf(error) !== 'upstream-overloaded') health.connected(name)
    throw error
  }
}

function turnOf(asking: Asking, member: Member): Turn {
  return asking.health.turn(nameOf(asking, member), asking.clock.now())
}

function nameOf({ distribution }: Asking, { origin }: Member): MemberName {
  return { distribution, origin: origin.id }
}
