import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync, watch, writeFileSync } from 'node:fs'
import path from 'node:path'
import { codeOf } from '../../src/core/index.ts'
import { until } from '../membership/fake-control.ts'
import { FaultEdge, type FaultEdgeOptions } from './fault-edge.ts'
import { FaultSite, randomFrom } from './fault-site.ts'
import { FaultViewers } from './fault-viewers.ts'

/** Of this run; set in the environment to repeat one. */
export const FAULT_SEED = Number(process.env['SLUICE_FAULT_SEED'] ?? Date.now() % 1_000_000)

export interface FaultPlan extends Omit<FaultEdgeOptions, 'originUrl'> {
  kills: number
  seed: number
  viewers: number
  /** After so many kills the folder is deleted in the middle of everything; never unless given. */
  deleteEvery?: number
  /** What happens to its files between a kill and the next start; `some` are damaged unless said. */
  damage?: 'some' | 'none'
}

export interface FaultReport {
  wrong: string[]
  /** Ends of the edge that nobody asked for. */
  deaths: string[]
  whole: number
  /** Answers that were visibly cut. */
  cut: number
  hits: number
  /** Kills in the middle of a write, and in the middle of an answer of the origin. */
  inWrites: number
  inFills: number
  /** Objects that the disk did not take. */
  writeFailures: number
  /** Files that were damaged; objects that were served from disk at once after a start. */
  damaged: number
  recovered: number
  /** Objects that were on disk and were no hits, and hits on files that were damaged. */
  lost: string[]
}

/** Kills an edge under mixed traffic again and again, damages what it left, and starts it on that. */
export async function runFaults(plan: FaultPlan): Promise<FaultReport> {
  console.info(`SLUICE_FAULT_SEED=${plan.seed}`)
  const site = new FaultSite(plan.seed)
  await site.start()
  const edge = await FaultEdge.start({ ...plan, originUrl: site.url })
  const viewers = new FaultViewers(edge, site)
  const counts = { inWrites: 0, inFills: 0, writeFailures: 0, recovered: 0, lost: [] as string[] }
  let kept: string[] = []
  const spoiled = new Set<string>()
  const random = randomFrom(plan.seed ^ 0x5f5f)
  viewers.start(plan.viewers, plan.seed)
  try {
    for (let round = 0; round < plan.kills; round++) {
      const asked = [0, 1, 2].map(each => `/kept/${round * 3 + each}`)
      await Promise.all(asked.map(at => viewers.see({ at, headers: {} })))
      if (plan.deleteEvery !== undefined && (round + 1) % plan.deleteEvery === 0) remove(edge.disk)
      counts.writeFailures += await edge.metric('sluice_disk_cache_write_failures_total')
      await theInstant(edge, site, { random, round })
      if (site.open > 0) counts.inFills++
      await edge.kill()
      if (edge.asides().length > 0) counts.inWrites++
      if (plan.damage !== 'none') for (const file of damage(edge.files(), random)) spoiled.add(file)
      kept = [...asked, ...kept].slice(0, 9)
      const there = kept
        .map(at => ({ at, file: edge.fileOf(at) }))
        .filter(({ file }) => existsSync(file) && !spoiled.has(file))
      // One of these has a flipped bit, and must be no hit.
      const victim = plan.damage === 'none' ? undefined : there[random(there.length)]
      if (victim) {
        flipBit(victim.file, random)
        spoiled.add(victim.file)
      }
      site.asked.length = 0
      await edge.restart()
      for (const object of there) {
        const received = await viewers.see({ at: object.at, headers: {} })
        const isHit = received?.headers['x-cache'] === 'Hit from sluice'
        const isRight = object === victim ? !isHit : isHit && !site.asked.includes(object.at)
        if (!isRight) counts.lost.push(`${object.at} ${String(received?.headers['x-cache'])}`)
      }
      counts.recovered += there.length
      edge.open()
    }
    const before = viewers.whole
    await until('viewers are served in the end', () => viewers.whole > before + 50, 60_000)
    counts.writeFailures += await edge.metric('sluice_disk_cache_write_failures_total')
    await viewers.stop()
    const { wrong, whole, cut, hits } = viewers
    return { wrong, deaths: [...edge.deaths], whole, cut, hits, ...counts, damaged: spoiled.size }
  } finally {
    await Promise.all([viewers.stop(), edge.close()])
    await site.close()
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true })
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') throw error // the edge was quicker, and goes on writing
  }
}

/** By turns: any instant, one in the middle of a write, one in the middle of a fetch. */
async function theInstant(
  edge: FaultEdge,
  site: FaultSite,
  { random, round }: { random: (below: number) => number; round: number },
): Promise<void> {
  if (round % 3 === 1) return aWrite(path.join(edge.disk, 'aside'))
  await new Promise(resolve => setTimeout(resolve, random(150)))
  if (round % 3 === 2) await until('the origin is answering', () => site.open > 0)
}

/** Resolves when one begins, or after a moment in which none did. */
async function aWrite(folder: string): Promise<void> {
  const over = new AbortController()
  const moment = setTimeout(() => over.abort(), 500)
  await new Promise<void>(resolve => {
    over.signal.addEventListener('abort', () => resolve())
    try {
      watch(folder, { signal: over.signal }, () => resolve()).on('error', () => resolve())
    } catch {
      resolve() // deleted a moment ago
    }
  })
  clearTimeout(moment)
  over.abort()
}

/** Every fourth file or so, in one of the ways in which disks and people do it; tells which. */
function damage(files: string[], random: (below: number) => number): Set<string> {
  const damaged = files.filter(() => random(4) === 0)
  for (const file of damaged) {
    const bytes = readFileSync(file)
    const at = random(Math.max(1, bytes.length))
    switch (random(5)) {
      case 0:
        flipBit(file, random)
        break
      case 1:
        truncateSync(file, at)
        break
      case 2:
        // As after a power cut: the length is there, the bytes are not.
        writeFileSync(file, bytes.fill(0, at))
        break
      case 3:
        writeFileSync(file, readFileSync(files[random(files.length)] ?? file))
        break
      default:
        appendFileSync(file, bytes.subarray(at))
    }
  }
  return new Set(damaged)
}

function flipBit(file: string, random: (below: number) => number): void {
  const bytes = readFileSync(file)
  const at = random(Math.max(1, bytes.length))
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
  writeFileSync(file, bytes)
}
