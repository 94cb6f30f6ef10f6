// What processes cost: CPU and memory of a running Sluice's roles, or of any process, out of /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second whatever the kernel's own tick is. */
const TICKS_A_SECOND = 100

/** The roles of a running `sluice up`, and the process of each: the supervisor's children, whose last argument is the role's name. */
export function roles(supervisor) {
  const found = {}
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    try {
      const [, parent] = statOf(pid)
      if (Number(parent) !== supervisor) continue
      const role = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean).at(-1)
      found[role] = Number(pid)
    } catch {
      // It has ended between the two looks.
    }
  }
  return found
}

/** Seconds of CPU that a process has used, its own threads included. */
export function cpuOf(pid) {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** Resident memory in MiB. */
export function memoryOf(pid) {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

/** Percent of a core that each process takes until the function returned is called. */
export function watchCpu(pids) {
  const began = performance.now()
  const before = pids.map(cpuOf)
  return () => {
    const seconds = (performance.now() - began) / 1000
    return pids.map((pid, at) => ((cpuOf(pid) - before[at]) / seconds) * 100)
  }
}

/** From the state on: state, parent, … utime at 11, stime at 12 (proc(5)). */
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
