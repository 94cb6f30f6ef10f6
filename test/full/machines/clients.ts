import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { Doorway, type Got } from './doorway.ts'
import { PORTS } from './machine.ts'
import { namespaceOf, type Network } from './network.ts'

/** A distribution and the edges that serve it. */
export interface SiteOfEdges {
  id: string
  domain: string
  edges: readonly { name: string; id: string; address: string }[]
}

/** What `dig` printed of an answer. */
export interface Dug {
  status: string
  flags: string[]
  /** Of the question, in the letters of the answer. */
  name: string
  /** `NETWORK/PREFIX/SCOPE`. */
  subnet: string | undefined
  answers: string[]
}

/** Where a client is sent, each edge by its machine's name. */
export interface SentTo {
  byDns: string[]
  byRedirect: string | undefined
  bySteering: string[]
}

interface Places {
  network: Network
  folder: string
  edges: SiteOfEdges
}

const HANDSHAKE_WITHIN_MS = 5_000

/** Somebody in a network of his own, who asks the router and goes where it sends him. */
export class Client {
  readonly #name: string
  readonly #places: Places
  readonly #doors: ReadonlyMap<string, string>
  readonly #router: Doorway

  private constructor(name: string, places: Places, doors: ReadonlyMap<string, string>) {
    this.#name = name
    this.#places = places
    this.#doors = doors
    this.#router = new Doorway(socketOf(doors, 'router', 'http'))
  }

  static async at(name: string, places: Places): Promise<Client> {
    const { network, edges } = places
    const folder = path.join(places.folder, name)
    mkdirSync(folder, { recursive: true })
    const doors = ['router', ...edges.edges.map(each => each.name)].flatMap(to =>
      (['http', 'https'] as const).map(port => ({
        key: `${to} ${port}`,
        listen: path.join(folder, `${to}-${port}.sock`),
        connect: { host: network.address(to), port: PORTS[port] },
      })),
    )
    await network.open(
      name,
      doors.map(({ listen, connect }) => ({ listen, connect })),
    )
    return new Client(name, places, new Map(doors.map(({ key, listen }) => [key, listen])))
  }

  /** In all three ways, as they are now. */
  async sentTo(): Promise<SentTo> {
    const [byDns, redirected, bySteering] = await Promise.all([
      this.byDns(),
      this.redirect(),
      this.bySteering(),
    ])
    return { byDns, byRedirect: this.#nameOf(redirected.headers['x-sluice-edge']), bySteering }
  }

  /** By what his resolver is told, which stands in his own network. */
  async byDns(...more: string[]): Promise<string[]> {
    const { network, edges } = this.#places
    const subnet = `+subnet=${network.address(this.#name)}/24`
    const { answers } = await this.dig(edges.domain, 'A', subnet, ...more)
    const addresses = answers.map(each => each.split(' ').at(-1))
    return addresses.map(each => edges.edges.find(({ address }) => address === each)?.name ?? String(each))
  }

  async dig(name: string, type: string, ...more: string[]): Promise<Dug> {
    const router = this.#places.network.address('router')
    const asked = ['dig', `@${router}`, '-p', String(PORTS.dns), '+tries=1', '+time=2', name, type, ...more]
    const words = ['netns', 'exec', namespaceOf(this.#name), ...asked]
    const { stdout } = await promisify(execFile)('ip', words)
    return readDug(stdout)
  }

  redirect(target = '/'): Promise<Got> {
    return this.#router.get(target, { host: this.#places.edges.domain, fresh: true })
  }

  async bySteering(): Promise<string[]> {
    const target = `/.sluice/steering?d=${this.#places.edges.id}&port=${PORTS.http}`
    const { body } = await this.#router.get(target, { host: 'router.cdn.localhost', fresh: true })
    const manifest = JSON.parse(body.toString()) as { 'PATHWAY-PRIORITY': string[] } // asserted as a whole
    return manifest['PATHWAY-PRIORITY'].map(id => this.#nameOf(id) ?? id)
  }

  /** Goes where he is sent, by the address that DNS has for the name there. */
  async follow(target: string): Promise<{ status: number; edge: string | undefined; path: string }> {
    const { location } = (await this.redirect(target)).headers
    const to = new URL(location ?? 'http://nowhere')
    const { answers } = await this.dig(to.hostname, 'A')
    const address = answers[0]?.split(' ').at(-1)
    const edge = this.#places.edges.edges.find(each => each.address === address)?.name
    const door = new Doorway(socketOf(this.#doors, edge ?? '', 'http'))
    const { status } = await door.get(to.pathname + to.search, { host: to.host, fresh: true })
    return { status, edge, path: to.pathname + to.search }
  }

  /** One of TLS with an edge, under its own name; what it shows is a certificate that it made itself. */
  handshake(edge: string): Promise<void> {
    const id = this.#places.edges.edges.find(({ name }) => name === edge)?.id ?? ''
    const servername = this.#places.edges.domain.replace('.', `--${id}.`)
    const socket = connectPlain(socketOf(this.#doors, edge, 'https'))
    return new Promise((resolve, reject) => {
      const tls = connectTls({ socket, servername, rejectUnauthorized: false })
      tls.setTimeout(HANDSHAKE_WITHIN_MS, () => tls.destroy(new Error(`no handshake with ${edge}`)))
      tls.on('error', reject)
      tls.once('secureConnect', () => tls.end())
      tls.once('close', () => resolve())
      tls.resume()
    })
  }

  close(): void {
    this.#router.close()
  }

  #nameOf(id: string | string[] | undefined): string | undefined {
    return this.#places.edges.edges.find(each => each.id === id)?.name
  }
}

function socketOf(doors: ReadonlyMap<string, string>, to: string, port: 'http' | 'https'): string {
  const found = doors.get(`${to} ${port}`)
  if (found === undefined) throw new Error(`there is no door to ${to}`)
  return found
}

function readDug(printed: string): Dug {
  const [, answers = ''] = /^;; ANSWER SECTION:\n((?:[^;\n].*\n)*)/m.exec(printed) ?? []
  return {
    status: /status: (\w+)/.exec(printed)?.[1] ?? '',
    flags: /^;; flags: ([^;]*);/m.exec(printed)?.[1]?.split(' ') ?? [],
    name: /^;; QUESTION SECTION:\n;(\S+)/m.exec(printed)?.[1] ?? '',
    subnet: /^; CLIENT-SUBNET: (\S+)$/m.exec(printed)?.[1],
    answers: answers
      .split('\n')
      .filter(line => line !== '')
      .map(line => line.replace(/\s+/g, ' ')),
  }
}
