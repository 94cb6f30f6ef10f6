import { hash } from 'node:crypto'
import { instant, type DistributionId, type Instant } from '../core/index.ts'
import type { ForgottenPath } from './contract.ts'

/**
 * Paths that are told apart in one distribution. Of what goes first, all that is as old in any path of that
 * distribution is forgotten with it: whoever writes to many paths of one site empties the cache of that site alone.
 */
const MOST_PATHS = 10_000
/** Longer ones are known by their digest. */
const LONGEST_NAME = 200

const NEVER = instant(0)

interface Site {
  readonly paths: Map<string, Instant>
  floor: Instant
}

/**
 * Paths whose stored answers were undone by a request that changed what they are of (RFC 9111 §4.4), each with the
 * instant: what was asked for up to then is not used any more, wherever it is kept.
 */
export class Forgotten {
  readonly #sites = new Map<DistributionId, Site>()

  add(distributionId: DistributionId, path: string, now: Instant): ForgottenPath {
    // What was asked for since the last time is dated after that, though the clock may stand where it stood, or earlier.
    const at = instant(Math.max(now, this.until(distributionId, path) + 1))
    const added = { distributionId, name: nameOf(path), at }
    this.restore(added)
    return added
  }

  /** Takes in what a process before this has forgotten. */
  restore({ distributionId, name, at }: ForgottenPath): void {
    let site = this.#sites.get(distributionId)
    if (site === undefined) this.#sites.set(distributionId, (site = { paths: new Map(), floor: NEVER }))
    if (name === null) {
      site.floor = instant(Math.max(site.floor, at))
      return
    }
    const before = site.paths.get(name) ?? NEVER
    site.paths.delete(name)
    site.paths.set(name, instant(Math.max(before, at)))
    if (site.paths.size > MOST_PATHS) dropOldest(site)
  }

  *all(): Generator<ForgottenPath> {
    for (const [distributionId, { paths, floor }] of this.#sites) {
      if (floor > NEVER) yield { distributionId, name: null, at: floor }
      for (const [name, at] of paths) yield { distributionId, name, at }
    }
  }

  /** What was asked for up to this instant is not used. */
  until(distributionId: DistributionId, path: string): Instant {
    const site = this.#sites.get(distributionId)
    if (site === undefined) return NEVER
    const mine = site.paths.get(nameOf(path)) ?? NEVER
    return mine < site.floor ? site.floor : mine
  }
}

function nameOf(path: string): string {
  return path.length > LONGEST_NAME ? hash('sha256', path) : path
}

function dropOldest(site: Site): void {
  for (const [name, at] of site.paths) {
    site.paths.delete(name)
    site.floor = instant(Math.max(site.floor, at))
    return
  }
}
