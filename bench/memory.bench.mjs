// What `sluice up` takes at rest, half a minute after its first start with the sample: proportional set size by process.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { down, report, temporaryFolder, up } from './running.mjs'

if (process.platform !== 'linux') {
  console.error('skipped: /proc is needed to tell shared memory from private')
  process.exit(0)
}
const running = await up(path.join(temporaryFolder(), 'data'))
await pause(30_000)
const { pid } = running.ready
const children = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  .split('\n')
  .map(line => line.trim().split(/\s+/))
  .filter(([, parent]) => Number(parent) === pid)
const measured = [['supervisor', pid], ...children.map(([child, , ...args]) => [args.at(-1), Number(child)])]
let sum = 0
for (const [name, process] of measured) {
  const rollup = readFileSync(`/proc/${process}/smaps_rollup`, 'utf8')
  const mebibytes = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]) / 1024
  sum += mebibytes
  report(`memory at rest, ${name}`, mebibytes, 'MiB')
}
report('memory at rest, all', sum, 'MiB')
await down(running)
process.exit(0)
