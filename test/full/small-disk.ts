import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A file system of so many megabytes, for as long as `work` takes; false where nothing can be mounted. */
export async function withSmallDisk(
  megabytes: number,
  work: (folder: string) => Promise<void>,
): Promise<boolean> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-full-'))
  const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', folder]
  try {
    execFileSync('mount', options, { stdio: 'ignore' })
  } catch {
    rmSync(folder, { recursive: true })
    return false
  }
  try {
    await work(folder)
  } finally {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true })
  }
  return true
}
