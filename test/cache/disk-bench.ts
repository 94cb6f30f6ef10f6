import * as fs from 'node:fs'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DiskTier, type DiskTierOptions } from '../../src/cache/disk/disk-tier.ts'
import { carryOut, type StepFiles } from '../../src/cache/disk/order.ts'
import type { Writer } from '../../src/cache/disk/writer.ts'
import { SHARDS } from '../../src/cache/shard.ts'
import type { CacheKey } from '../../src/http/index.ts'
import { silentLogger, type Logger } from '../../src/telemetry/index.ts'
import { noonClock } from '../contracts/cache-tier.ts'

export const EVERY_SHARD: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard)

export const keyOf = (text: string): CacheKey => text as CacheKey // a test's own
export const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `D /object-${n}`)

/** A folder of a test's own, with the tiers that were opened on it. */
export class DiskBench {
  readonly folder: string
  readonly #open: DiskTier[] = []

  constructor(folder = mkdtempSync(path.join(tmpdir(), 'sluice-disk-'))) {
    this.folder = folder
  }

  async start(options: Partial<DiskTierOptions> = {}): Promise<DiskTier> {
    const tier = new DiskTier({
      folder: this.folder,
      maxBytes: 64 * 1024 * 1024,
      clock: noonClock,
      shards: EVERY_SHARD,
      log: silentLogger,
      ...options,
    })
    this.#open.push(tier)
    await tier.start()
    return tier
  }

  /** Names of the object files that are there, with their folders. */
  files(): string[] {
    return this.#below(/^[0-9a-f]{2}$/)
  }

  asides(): string[] {
    return this.#below(/^aside$/)
  }

  bytes(): number {
    return this.files().reduce((sum, file) => sum + statSync(path.join(this.folder, file)).size, 0)
  }

  #below(folders: RegExp): string[] {
    return readdirSync(this.folder)
      .filter(name => folders.test(name))
      .flatMap(name => readdirSync(path.join(this.folder, name)).map(file => `${name}/${file}`))
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map(tier => tier.close()))
    // A tier that ended without waiting for its disk may still be writing there.
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** Writes with these calls in place of the disk's, each order in a turn of the test's own loop. */
export function writerWith(files: Partial<StepFiles>): Writer {
  return {
    carryOut: async order => {
      await new Promise(resolve => setImmediate(resolve))
      return carryOut(order, { ...fs, ...files })
    },
    close: () => Promise.resolve(),
  }
}

/** Keeps the events with their fields. */
export function listeningLogger(): Logger & { lines: [string, Record<string, unknown>][] } {
  const lines: [string, Record<string, unknown>][] = []
  const warn = (fields: Record<string, unknown>, event: string) => void lines.push([event, fields])
  return { ...silentLogger, lines, warn }
}

export async function until(what: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!what()) {
    if (Date.now() > deadline) throw new Error('it did not happen within 20 s')
    await new Promise(resolve => setImmediate(resolve))
  }
}
