import { messageOf, pause, SluiceError, type Clock, type Milliseconds } from '../core/index.ts'
import type { NodeCredentials } from '../inbound/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { BackOff } from './back-off.ts'
import { controlLink, type ControlPlace } from './control-link.ts'
import type { NodeIdentity } from './identity.ts'
import { Membership } from './membership.ts'
import { nodeTokenSource } from './token-source.ts'

export interface RenewalOptions extends ControlPlace {
  identity: NodeIdentity
  /** Where other nodes reach this one over TLS; null when nobody asks it. */
  url: string | null
  clock: Clock
  log: Logger
}

export interface Renewal {
  onRenewed(listener: (credentials: NodeCredentials) => void): void
  close(): Promise<void>
}

const LOOK_EVERY: Milliseconds = 12 * 3_600_000
/** Control was away, and may not know yet where this node is. */
const LOOK_AGAIN: Milliseconds = 10_000
/** Control starts beside this node, or is on its way. */
const OBTAIN_WITHIN: Milliseconds = 60_000

/** Asks control for another certificate in time, as long as it runs. */
export function keepRenewed(membership: Membership, options: Omit<RenewalOptions, 'membership'>): Renewal {
  const { identity, url, clock, log } = options
  const closing = new AbortController()
  const listeners: ((credentials: NodeCredentials) => void)[] = []
  const ask = controlLink({ ...options, membership }, nodeTokenSource(identity, 'control', clock))
  const look = async (): Promise<Milliseconds> => {
    try {
      const outcome = await membership.renew(ask, { id: identity.id, url, clock, signal: closing.signal })
      if (outcome === 'renewed') for (const listener of listeners) listener(membership.credentials)
      return LOOK_EVERY
    } catch (error) {
      if (!closing.signal.aborted)
        log.warn(
          { error: messageOf(error) },
          'the certificate of this node was not renewed: it is tried again',
        )
      return LOOK_AGAIN
    }
  }
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await pause(await look(), closing.signal)
    }
  }
  const running = run()
  return {
    onRenewed: listener => void listeners.push(listener),
    async close() {
      closing.abort()
      await running
    },
  }
}

/**
 * What a node of control's own machine shows to others: kept from an earlier start, or asked of control, which knows it
 * by its token. Rejects when control does not answer within a minute, or with the reason of `signal`.
 */
export async function obtainMembership(
  options: RenewalOptions & { file: string; signal?: AbortSignal },
): Promise<Membership> {
  const { file, controlUrl, identity, url, clock, log } = options
  const known = Membership.read(file)
  if (known !== undefined) return known
  const ask = controlLink({ controlUrl }, nodeTokenSource(identity, 'control', clock))
  const late = AbortSignal.timeout(OBTAIN_WITHIN)
  const signal = options.signal === undefined ? late : AbortSignal.any([late, options.signal])
  const backOff = new BackOff()
  for (;;) {
    try {
      return await Membership.obtain(file, ask, { id: identity.id, url, controlUrl, signal })
    } catch (error) {
      options.signal?.throwIfAborted()
      if (signal.aborted)
        throw new SluiceError('control-away', 'control gave this node no certificate in a minute', {
          cause: error,
        })
      log.debug({ error: messageOf(error) }, 'no certificate yet')
      await backOff.pause(signal)
    }
  }
}
