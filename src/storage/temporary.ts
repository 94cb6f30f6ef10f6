import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const DAY = 86_400_000
const MACHINE = createHash('sha256').update(hostname()).digest('hex').slice(0, 8)

/**
 * A name for a file that is being written. It holds the writer's process id and machine, since several roles write into
 * one folder, perhaps from several machines, and a role that starts must not sweep what another one is writing just now.
 */
export function temporaryName(): string {
  return `${process.pid}-${MACHINE}-${randomBytes(9).toString('hex')}`
}

/** Removes what writers that are gone left behind; called at start, before this process writes. */
export async function sweepTemporary(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const [id, machine = '', ...rest] = name.split('-')
    const writer = Number(id)
    // Names of before had no machine.
    const isOurs = rest.length === 0 || machine === MACHINE
    const path = join(folder, name)
    if (!isOurs || (writer !== process.pid && isAlive(writer))) {
      // A process id is used again some day; whoever really writes changes the file more often than once a day.
      const found = await stat(path).catch(() => undefined)
      if (!found || now - found.mtimeMs < DAY) continue
    }
    await rm(path, { force: true, recursive: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // kill throws nothing else: it lives, as another user
  }
}
