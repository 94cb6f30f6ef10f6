import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/**
 * Where the kernel cannot tie a child's life to ours, a child is written down while it runs: its process id and when
 * that process began. What a killed predecessor left running is ended at the next start. The time makes sure that
 * a process id which the system gave to somebody else meanwhile is left alone.
 */
interface ChildRecord {
  pid: number
  began: string
}

/** Writes a running child down; the answer takes the record away. Does nothing without a folder. */
export async function recordChild(
  folder: string | undefined,
  pid: number | undefined,
): Promise<() => Promise<void>> {
  if (folder === undefined || pid === undefined) return () => Promise.resolve()
  const began = await processBegan(pid)
  if (began === undefined) return () => Promise.resolve()
  const path = join(folder, `${pid}.json`)
  await mkdir(folder, { recursive: true })
  const record: ChildRecord = { pid, began }
  await writeFile(path, JSON.stringify(record))
  return () => rm(path, { force: true })
}

/** Ends what is still running of the records in a folder, and forgets them. Answers the process ids it ended. */
export async function reapLeftovers(folder: string): Promise<number[]> {
  const ended: number[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    const record = await readRecord(path)
    if (record && (await processBegan(record.pid)) === record.began && kill(record.pid))
      ended.push(record.pid)
    await rm(path, { force: true })
  }
  return ended
}

async function readRecord(path: string): Promise<ChildRecord | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('began' in value))
      return undefined
    const { pid, began } = value
    // A process id below 2 would be ourselves, a group, or everybody.
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2 || typeof began !== 'string')
      return undefined
    return { pid, began }
  } catch {
    return undefined
  }
}

/** When a process began, as text to compare; undefined when there is none. */
export async function processBegan(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
    // Field 22 (proc(5)), counted after the command, which may hold spaces and parentheses.
    return status?.slice(status.lastIndexOf(')') + 2).split(' ')[19]
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({
    stdout: '',
  }))
  return stdout.trim() || undefined
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
