import path from 'node:path'
import { childOf } from '../../e2e/roles.ts'
import {
  startControl,
  startRole,
  until,
  type ControlReady,
  type Outcome,
  type RoleReady,
  type Sluice,
} from '../../e2e/sluice.ts'
import { killAll, namespaceOf, processesOf } from './network.ts'

export type MachineRole = 'control' | 'origin' | 'regional' | 'edge' | 'gateway' | 'router'

export const PORTS = {
  control: 9000,
  origin: 9001,
  regional: 9002,
  http: 8080,
  https: 8443,
  dns: 53,
  rtmp: 1935,
  admin: 9100,
} as const

const LISTENS: Record<MachineRole, (keyof typeof PORTS)[]> = {
  control: ['control', 'admin'],
  origin: ['origin', 'admin'],
  regional: ['regional', 'admin'],
  edge: ['http', 'https', 'admin'],
  gateway: ['rtmp', 'admin'],
  router: ['dns', 'http', 'https', 'admin'],
}

export interface MachineOptions {
  address: string
  /** Its data lies in a folder of its own below. */
  folder: string
  env: Record<string, string>
  /** More than where it listens. */
  args?: string[]
}

/** One role of Sluice in a network namespace, at ports that stay. */
export class Machine {
  readonly name: string
  readonly role: MachineRole
  readonly #options: MachineOptions
  #running: Sluice<ControlReady | RoleReady> | undefined
  #id = ''

  constructor(name: string, role: MachineRole, options: MachineOptions) {
    this.name = name
    this.role = role
    this.#options = options
  }

  /** Its name among the nodes; control has none. */
  get id(): string {
    return this.#id
  }

  /** What its processes wrote since they were started. */
  get output(): string {
    return this.#running?.output() ?? ''
  }

  /** Resolves when it says that it is ready. A token is needed the first time. */
  async start(token = ''): Promise<void> {
    const { address, folder, env, args: more = [] } = this.#options
    const ports = LISTENS[this.role].flatMap(port => [`--${port}`, `${address}:${PORTS[port]}`])
    const args = [...ports, ...more]
    const options = { data: path.join(folder, this.name), inside: namespaceOf(this.name), args, env }
    if (this.role === 'control') {
      this.#running = await startControl(address, options)
    } else {
      const running = await startRole(this.role, token, options)
      this.#id = running.ready.id
      this.#running = running
    }
  }

  /** Ends all its processes at once. */
  async kill(): Promise<void> {
    killAll(this.name)
    await until(`${this.name} is gone`, () =>
      Promise.resolve(processesOf(this.name).length === 0 || undefined),
    )
  }

  /** Ends the process that does its work; resolves when its supervisor has started another. */
  async killRole(): Promise<void> {
    const pid = await childOf(this.#running?.ready.pid ?? 0, this.role)
    if (pid === undefined) throw new Error(`${this.name} is not running`)
    process.kill(pid, 'SIGKILL')
    await until(`${this.name} is started again`, async () => {
      const found = await childOf(this.#running?.ready.pid ?? 0, this.role)
      return found === undefined || found === pid ? undefined : found
    })
  }

  /** Runs a command against it with `--json`. */
  cli<T = unknown>(...args: string[]): Promise<Outcome<T>> {
    if (this.#running === undefined) throw new Error(`${this.name} was never started`)
    return this.#running.cli<T>(...args)
  }
}
