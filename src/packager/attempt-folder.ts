import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { objectKey } from '../storage/index.ts'

/** A folder of one attempt's own under the work folder; whatever is written there goes with it (SEAMS 32). */
export interface AttemptFolder {
  path(name: string): string
  remove(): Promise<void>
}

export async function openAttemptFolder(workDir: string, name: string): Promise<AttemptFolder> {
  const folder = join(attemptsOf(workDir), objectKey(name))
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  return {
    path: file => join(folder, file),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** Removes what killed attempts left; called at start, before any attempt. Answers how many there were. */
export async function sweepAttempts(workDir: string): Promise<number> {
  const folders = await readdir(attemptsOf(workDir)).catch(() => [])
  for (const folder of folders) await rm(join(attemptsOf(workDir), folder), { recursive: true, force: true })
  return folders.length
}

function attemptsOf(workDir: string): string {
  return join(workDir, 'attempts')
}
