import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { until, type Sluice } from './sluice.ts'

export const ROLES = ['control', 'origin', 'edge'] as const
/** With the one that only live streams need. */
export const LIVE_ROLES = ['gateway', ...ROLES] as const
export type Role = (typeof LIVE_ROLES)[number]

/** The process of a role: a child of the supervisor whose last argument is the role's name. Undefined while it is down. */
export async function processOf(sluice: Sluice, role: Role): Promise<number | undefined> {
  return childOf(sluice.ready.pid, role)
}

/** Of whatever supervisor. */
export async function childOf(
  supervisor: number,
  role: Role | 'regional' | 'router',
): Promise<number | undefined> {
  const { stdout: listing } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args='])
  for (const line of listing.split('\n')) {
    const [pid, parent, ...args] = line.trim().split(/\s+/)
    if (Number(parent) === supervisor && args.at(-1) === role) return Number(pid)
  }
  return undefined
}

/** Ends a role as the kernel would, and gives the process that was killed. */
export async function kill(sluice: Sluice, role: Role): Promise<number> {
  const pid = await processOf(sluice, role)
  if (pid === undefined) throw new Error(`the ${role} is not running`)
  process.kill(pid, 'SIGKILL')
  return pid
}

/** Waits until every role answers again. */
export async function whole(sluice: Sluice): Promise<void> {
  await until(
    'every role is ready again',
    async () => {
      const answer = await fetch(`${sluice.ready.admin}/readyz`).catch(() => undefined)
      return answer?.status === 200 ? true : undefined
    },
    30_000,
  )
}

/** A number out of the admin port's metrics: the sum of all series of a name whose labels contain `labels`. */
export async function metric(
  sluice: { ready: { admin: string } },
  name: string,
  labels = '',
): Promise<number> {
  const text = await (await fetch(`${sluice.ready.admin}/metrics`)).text()
  return text
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
