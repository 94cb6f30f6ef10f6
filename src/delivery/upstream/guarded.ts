import type { SluiceError } from '../../core/index.ts'
import { addressRefused, literalRefusal, type Guard } from '../../outbound/index.ts'

/** How a server that is not ours may be connected to, if at all. */
interface Guarded {
  port: number
  /** Of an address that the URL itself names; a name is judged by what it means, in `lookup`. */
  refusal: SluiceError | undefined
  lookup: ReturnType<Guard['lookupFor']>
}

/** What the guard says of a URL's host and port, for each connection anew. */
export function guarded(guard: Guard, url: string): Guarded {
  const { hostname, port: named, protocol } = new URL(url)
  const port = named === '' ? (protocol === 'https:' ? 443 : 80) : Number(named)
  const why = literalRefusal(guard, hostname, port)
  const refusal = why === undefined ? undefined : addressRefused(why)
  return { port, refusal, lookup: guard.lookupFor(port) }
}
