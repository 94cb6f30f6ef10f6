import { mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, pause, type Milliseconds } from '../core/index.ts'

/** What is done under a lock takes some milliseconds; whoever has had it for this long was killed. */
const STALE: Milliseconds = 10_000
const AGAIN: Milliseconds = 10
const NEVER = new AbortController().signal

/** Runs while nobody else, in whatever process or on whatever machine that has the folder, runs under the same file. */
export async function underLock<T>(
  path: string,
  work: () => Promise<T>,
  stale: Milliseconds = STALE,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  let seen: { made: number; since: number } | undefined
  while (!(await take(path))) {
    // Its age by this process's own clock: machines need not agree on the time.
    const made = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    if (made !== undefined && made === seen?.made) {
      if (performance.now() - seen.since > stale) await rm(path, { force: true })
    } else seen = made === undefined ? undefined : { made, since: performance.now() }
    await pause(AGAIN, NEVER)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.close()
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}
