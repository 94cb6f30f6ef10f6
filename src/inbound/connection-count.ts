import { isIPv6 } from 'node:net'

/** How many connections there may be at once. */
export interface ConnectionCaps {
  /** All addresses together. */
  connections: number
  /** Of one address; of IPv6, of one /64. */
  connectionsPerAddress: number
}

/** Counts connections, all and by address; servers that share the object share its caps. */
export class ConnectionCount {
  readonly #most: number
  readonly #mostPerAddress: number
  readonly #byAddress = new Map<string, number>()
  #all = 0

  constructor(caps: ConnectionCaps) {
    this.#most = caps.connections
    this.#mostPerAddress = caps.connectionsPerAddress
  }

  /** Whether nobody is admitted any more, whatever the address. */
  get full(): boolean {
    return this.#all >= this.#most
  }

  get all(): number {
    return this.#all
  }

  /**
   * Takes a place; undefined when there is none left. An address that is not known yet counts towards all only. What
   * is returned gives the place back, once.
   */
  admit(address: string | undefined): (() => void) | undefined {
    const group = address === undefined ? undefined : groupOf(address)
    const ofGroup = group === undefined ? 0 : (this.#byAddress.get(group) ?? 0)
    if (this.full || ofGroup >= this.#mostPerAddress) return undefined
    this.#all++
    if (group !== undefined) this.#byAddress.set(group, ofGroup + 1)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#all--
      if (group === undefined) return
      const left = (this.#byAddress.get(group) ?? 1) - 1
      if (left > 0) this.#byAddress.set(group, left)
      else this.#byAddress.delete(group)
    }
  }
}

/** One subscriber has a whole /64 of IPv6 (RFC 6177). */
function groupOf(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  return [...front, ...zeros, ...back].slice(0, 4).join(':')
}
