import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** `silent`: nothing passes and nobody is told, as when a cable is cut. `reset`: whatever passes is broken off. */
export type LinkState = 'whole' | 'silent' | 'reset'

/** The way from one node to another, which can be cut and healed. */
export class Link {
  readonly name: string
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  #state: LinkState = 'whole'

  private constructor(name: string, server: Server) {
    this.name = name
    this.#server = server
  }

  static async to(name: string, port: () => number): Promise<Link> {
    const server = createServer(from => link.#join(from, port()))
    const link = new Link(name, server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return link
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}` // listening on TCP
  }

  get state(): LinkState {
    return this.#state
  }

  cut(how: 'silent' | 'reset'): void {
    this.#state = how
    for (const pair of this.#pairs)
      for (const end of pair) {
        if (how === 'reset') end.destroy()
        else end.pause()
      }
  }

  /** What was silent goes on where it was, as TCP does. */
  heal(): void {
    this.#state = 'whole'
    for (const pair of this.#pairs) for (const end of pair) end.resume()
  }

  async close(): Promise<void> {
    // Who comes from now on is let go, and not waited for.
    this.#state = 'reset'
    for (const pair of this.#pairs) for (const end of pair) end.destroy()
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }

  #join(from: Socket, port: number): void {
    if (this.#state === 'reset') return void from.on('error', () => {}).resetAndDestroy()
    const to = connect(port, '127.0.0.1')
    const pair: [Socket, Socket] = [from, to]
    this.#pairs.add(pair)
    const over = (): void => {
      this.#pairs.delete(pair)
      for (const end of pair) end.destroy()
    }
    pass(from, to, over)
    pass(to, from, over)
    if (this.#state === 'silent') for (const end of pair) end.pause()
  }
}

function pass(from: Socket, to: Socket, over: () => void): void {
  from.setNoDelay(true)
  from.on('data', bytes => void to.write(bytes))
  from.on('end', () => to.end())
  from.on('error', over)
  from.on('close', over)
}
