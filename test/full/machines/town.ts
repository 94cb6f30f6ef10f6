import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { connect, createServer, type Server } from 'node:net'
import path from 'node:path'
import { Doorway } from './doorway.ts'
import { PORTS } from './machine.ts'
import type { Network } from './network.ts'
import { pageOf } from './viewers.ts'

/** How long the page takes to be made, so that some are always under way. */
const PAGE_MS = 50

/** A site of somebody else's: one page, which says a number, and may be kept for a day. */
export class Site {
  number = 1
  readonly #server: HttpServer

  constructor() {
    this.#server = createHttpServer((_request, response) => {
      const { number } = this
      setTimeout(() => {
        response.writeHead(200, { 'Cache-Control': 'max-age=86400', ETag: `"${number}"` })
        response.end(pageOf(number))
      }, PAGE_MS)
    })
  }

  async listen(place: string): Promise<void> {
    await new Promise<void>(resolve => this.#server.listen(place, resolve))
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

/** Hands connections to a Unix socket on to a port of this machine. */
export async function handOn(place: string, port: number): Promise<Server> {
  const server = createServer(one => {
    const other = connect(port, '127.0.0.1')
    one.pipe(other).pipe(one)
    one.on('error', () => {}).on('close', () => other.destroy())
    other.on('error', () => {}).on('close', () => one.destroy())
  })
  await new Promise<void>(resolve => server.listen(place, resolve))
  return server
}

/** Doors from the machine `from` to one port of each of these. */
export async function doorwaysTo(
  network: Network,
  { from, folder, port }: { from: string; folder: string; port: keyof typeof PORTS },
  names: string[],
): Promise<Map<string, Doorway>> {
  const doors = names.map(name => ({
    listen: path.join(folder, `${name}-${port}.sock`),
    connect: { host: network.address(name), port: PORTS[port] },
  }))
  await network.open(from, doors)
  return new Map(names.map((name, at) => [name, new Doorway(doors[at]?.listen ?? '')]))
}
