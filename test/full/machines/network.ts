import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

const FOLDER = import.meta.dirname
const VNI = 7

/** What `door.mjs` listens at and connects to: the path of a Unix socket, or an address inside. */
export type Place = string | { host: string; port: number }

interface Wire {
  /** Each way between two machines. */
  delayMs: number
  lossPercent: number
}

/** Why this machine cannot have network namespaces with a wire between them; undefined where it can. */
export function whyNoNetwork(): string | undefined {
  const probe = `sluice-${process.pid}-probe`
  try {
    ip('netns', 'add', probe)
    ip(
      '-n',
      probe,
      'link',
      'add',
      'net',
      'type',
      'vxlan',
      'id',
      '1',
      'remote',
      '10.78.0.1',
      'dstport',
      '4789',
    )
    return undefined
  } catch (error) {
    return `network namespaces and VXLAN are needed, so root on Linux: ${(error as Error).message.trim()}` // execFileSync throws errors
  } finally {
    spawnSync('ip', ['netns', 'del', probe], { stdio: 'ignore' })
  }
}

/**
 * Machines as network namespaces. Each has one device to all others and nothing else; what goes through it is carried by
 * `wire.mjs`, late, with losses, and not at all to and from who is cut off: silently, as where a cable is pulled.
 */
export class Network {
  readonly #names: readonly string[]
  readonly #wire: ChildProcess
  readonly #doors: ChildProcess[] = []

  private constructor(names: readonly string[], wire: ChildProcess) {
    this.#names = names
    this.#wire = wire
  }

  static async start(names: readonly string[], { delayMs, lossPercent }: Wire): Promise<Network> {
    const hub = namespaceOf('hub')
    ip('netns', 'add', hub)
    for (const [at, name] of names.entries()) plug(hub, namespaceOf(name), at + 1, names.length)
    const wire = await child('hub', 'wire.mjs', String(delayMs), String(lossPercent))
    return new Network(names, wire)
  }

  /** In a /24 of its own, as Sluice tells networks of viewers apart. */
  address(name: string): string {
    return addressOf(this.#number(name))
  }

  /** From now on what goes between these two takes so long each way, whatever it takes between others. */
  async apart(one: string, other: string, delayMs: number): Promise<void> {
    await this.#tell({ between: [this.#number(one), this.#number(other)], delayMs })
  }

  /** From now on nothing comes or goes between this machine and the others, but for those that it still reaches. */
  async cut(name: string, reaches: readonly string[] = []): Promise<void> {
    await this.#tell({ cut: this.#number(name), reaches: reaches.map(each => this.#number(each)) })
  }

  async heal(name: string): Promise<void> {
    await this.#tell({ heal: this.#number(name) })
  }

  /** Carries connections in or out of a machine. */
  async open(name: string, doors: { listen: Place; connect: Place }[]): Promise<void> {
    this.#doors.push(await child(name, 'door.mjs', JSON.stringify(doors)))
  }

  /** Ends every process of every machine, and takes all down. */
  close(): void {
    for (const each of [...this.#doors, this.#wire]) each.kill('SIGKILL')
    for (const name of [...this.#names, 'hub']) {
      killAll(name)
      spawnSync('ip', ['netns', 'del', namespaceOf(name)], { stdio: 'ignore' })
    }
  }

  async #tell(message: object): Promise<void> {
    this.#wire.send(message)
    await once(this.#wire, 'message')
  }

  #number(name: string): number {
    const at = this.#names.indexOf(name)
    if (at === -1) throw new Error(`there is no machine ${name}`)
    return at + 1
  }
}

export function namespaceOf(name: string): string {
  return `sluice-${process.pid}-${name}`
}

/** All processes of a machine. */
export function processesOf(name: string): number[] {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespaceOf(name)], { encoding: 'utf8' })
  return stdout.split('\n').filter(Boolean).map(Number)
}

/** As a machine ends whose power is gone, but for its kernel, which takes leave of open connections. */
export function killAll(name: string): void {
  for (const pid of processesOf(name)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** The underlay is a pair of devices for each machine; its number stands in all its addresses, for the wire to see. */
function plug(hub: string, namespace: string, number: number, count: number): void {
  ip('netns', 'add', namespace)
  ip('link', 'add', `m${number}`, 'netns', hub, 'type', 'veth', 'peer', 'name', 'wire', 'netns', namespace)
  ip('-n', hub, 'addr', 'add', `10.78.${number}.1/30`, 'dev', `m${number}`)
  ip('-n', hub, 'link', 'set', `m${number}`, 'up')
  const others = Array.from({ length: count }, (_, at) => at + 1).filter(other => other !== number)
  const lines = [
    'link set lo up',
    `addr add 10.78.${number}.2/30 dev wire`,
    'link set wire up',
    `link add net address ${hardware(number)} type vxlan id ${VNI} local 10.78.${number}.2 remote 10.78.${number}.1 dstport 4789 dev wire nolearning`,
    `addr add ${addressOf(number)}/16 dev net`,
    // One packet each: without a card nobody cuts larger ones into pieces.
    'link set net gso_max_segs 1 up',
    ...others.map(other => `neigh add ${addressOf(other)} lladdr ${hardware(other)} dev net nud permanent`),
  ]
  execFileSync('ip', ['-n', namespace, '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
}

function addressOf(number: number): string {
  return `10.77.${number}.1`
}

function hardware(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`
}

/** A process of the test's own in a namespace; it ends with the test. */
async function child(name: string, file: string, ...args: string[]): Promise<ChildProcess> {
  const words = ['netns', 'exec', namespaceOf(name), process.execPath, path.join(FOLDER, file), ...args]
  const started = spawn('ip', words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const failed = once(started, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`)
  })
  await Promise.race([once(started, 'message'), failed])
  failed.catch(() => {}) // it ends some day
  return started
}
