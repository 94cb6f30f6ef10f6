import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const DAY = 86_400_000

/**
 * A name for a file that is being written. It holds the writer's process id, since several roles write into one
 * folder and a role that starts must not sweep what another one is writing just now.
 */
export function temporaryName(): string {
  return `${process.pid}-${randomBytes(9).toString('hex')}`
}

/** Removes what writers that are gone left behind; called at start, before this process writes. */
export async function sweepTemporary(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const writer = Number(name.split('-')[0])
    const path = join(folder, name)
    if (writer !== process.pid && isAlive(writer)) {
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
