import type { Exchange, Step } from './exchange.ts'
import { key } from './key.ts'
import { isRelayed, mayWrite } from './methods.ts'
import { relay } from './relay/relay.ts'
import { upgrade } from './relay/upgrade.ts'

/** From here on a request has its answer from the cache, or from its origin and for itself alone. */
export function onward(x: Exchange): Step {
  // Where nobody takes the connection, the request is answered as if it had not asked to leave (RFC 9110 §7.8).
  if (x.leaving !== undefined && mayWrite(x) && x.origins?.origin.kind === 'http') return upgrade
  return isRelayed(x) ? relay : key
}
