import { rm, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NodeId } from '../../src/core/index.ts'
import {
  compileInvalidations,
  DEFAULT_WIRE,
  type Behaviour,
  type Origin,
  type Snapshot,
} from '../../src/distribution/index.ts'
import { DISTRIBUTION } from './edge-bench.ts'
import { snapshotWith } from './foreign-origin.ts'
import { TierBench, type BenchNode } from './tier-bench.ts'
import { Link } from './tier-fault-link.ts'
import { kindOf, PATHS, VersionedSite } from './tier-fault-site.ts'

const MiB = 1024 * 1024

/** An invalidation, and what its origin had when it was asked for. */
export interface Undoing {
  sequence: number
  floors: ReadonlyMap<string, number>
}

/** What is known of a node from outside. */
export interface Standing {
  state: 'up' | 'down'
  /** `deaf`: cut off from control. */
  hearing: 'hears' | 'deaf'
  /** Of invalidations. */
  applied: number
  /** Each start begins another. */
  life: number
}

/** Edges, regional caches and origins, with a link for each way between them and a control that tells them of changes. */
export class TierWorld {
  readonly site = new VersionedSite()
  readonly links = new Map<string, Link>()
  readonly standings = new Map<NodeId, Standing>()
  originHears: Standing['hearing'] = 'hears'
  readonly undoings: Undoing[] = []
  readonly #folder: string | undefined
  #bench: TierBench | undefined
  #snapshot: Snapshot

  private constructor(folder: string | undefined) {
    this.#folder = folder
    this.#snapshot = snapshotWith(ORIGINS, BEHAVIOURS)
  }

  static async start(size: {
    edges: number
    regionals: number
    tiers: 'memory' | 'disk'
  }): Promise<TierWorld> {
    const folder = size.tiers === 'disk' ? await mkdtemp(join(tmpdir(), 'sluice-tiers-')) : undefined
    const world = new TierWorld(folder)
    await world.site.start()
    await world.#begin(size)
    return world
  }

  get edges(): TierBench['edges'] {
    return this.#bench?.edges ?? []
  }

  get nodes(): BenchNode[] {
    return [...(this.#bench?.regionals ?? []), ...this.edges]
  }

  standing(id: NodeId): Standing {
    const standing = this.standings.get(id)
    if (standing === undefined) throw new Error(`there is no ${id}`)
    return standing
  }

  /** Gives out a number; nobody has heard of it yet. */
  invalidate(patterns: readonly string[]): number {
    const sequence = this.#snapshot.sequence + 1
    const made = patterns.map(pattern => ({ sequence, distributionId: DISTRIBUTION, pattern }))
    const others = this.#snapshot.invalidations.filter(({ pattern }) => !patterns.includes(pattern))
    const invalidations = [...others, ...made]
    this.#snapshot = { ...this.#snapshot, version: this.#snapshot.version + 1, sequence, invalidations }
    const compiled = compileInvalidations(made)
    const undone = PATHS.filter(path => compiled.newest(DISTRIBUTION, path) === sequence)
    this.undoings.push({ sequence, floors: new Map(undone.map(path => [path, this.site.versionOf(path)])) })
    return sequence
  }

  /** Tells a node of everything, if it can hear. */
  tell(node: BenchNode): void {
    const { state, hearing } = this.standing(node.id)
    if (state === 'down' || hearing === 'deaf' || this.#bench === undefined) return
    if ((node.node.snapshot?.version ?? 0) >= this.#snapshot.version) return
    node.node.apply(this.#bench.seen(this.#snapshot, node.id))
    this.standing(node.id).applied = this.#snapshot.sequence
  }

  /** The origin hears as nodes do; what it has in its own cache is not used past an invalidation. */
  tellOrigin(): void {
    if (this.originHears === 'deaf') return
    const news = this.undoings.filter(({ sequence }) => sequence > this.site.applied)
    this.site.apply(
      this.#snapshot.sequence,
      news.flatMap(({ floors }) => [...floors.keys()]),
    )
  }

  /** Below this no object of the path may be, since this node, and whoever keeps it behind that, has applied what undoes it. */
  floorAt(id: NodeId, path: string): number {
    const own = this.standing(id).applied
    const applied = kindOf(path) === 'asset' ? Math.min(own, this.site.applied) : own
    return Math.max(
      0,
      ...this.undoings.flatMap(({ sequence, floors }) =>
        sequence > applied ? [] : (floors.get(path) ?? []),
      ),
    )
  }

  /** Whether all live nodes have applied it. */
  hasReturned(sequence: number): boolean {
    if (this.originHears === 'hears' && this.site.applied < sequence) return false
    return this.nodes.every(({ id, node }) => {
      const { state, hearing } = this.standing(id)
      return state === 'down' || hearing === 'deaf' || (node.snapshot?.sequence ?? 0) >= sequence
    })
  }

  async kill(node: BenchNode): Promise<void> {
    this.standing(node.id).state = 'down'
    await node.kill()
  }

  /** Asks control first; who cannot begins with what it had. */
  async restart(node: BenchNode): Promise<void> {
    const standing = this.standing(node.id)
    const newest = this.#bench?.seen(this.#snapshot, node.id)
    if (standing.hearing === 'deaf' || newest === undefined) await node.restart()
    else {
      await node.restart(newest)
      this.standing(node.id).applied = this.#snapshot.sequence
    }
    standing.life++
    standing.state = 'up'
    // What was changed while it started.
    this.tell(node)
  }

  async close(): Promise<void> {
    for (const link of this.links.values()) link.heal()
    await this.site.close()
    await this.#bench?.close()
    await Promise.all([...this.links.values()].map(link => link.close()))
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  async #begin({ edges, regionals }: { edges: number; regionals: number }): Promise<void> {
    const edgeIds = Array.from({ length: edges }, (_, at) => `edge-${at}`)
    const regionalIds = Array.from({ length: regionals }, (_, at) => `regional-${at}`)
    for (const id of [...edgeIds, ...regionalIds]) {
      await this.#link(`${id} origin`, () => this.site.port)
      this.standings.set(id as NodeId, { state: 'up', hearing: 'hears', applied: 0, life: 1 }) // a test's own
    }
    for (const edge of edgeIds)
      for (const id of regionalIds)
        await this.#link(`${edge} ${id}`, () =>
          Number(new URL(this.nodes.find(node => node.id === id)?.url ?? '').port),
        )
    this.#bench = await TierBench.start({
      ...{ edges, regionals, snapshot: this.#snapshot, memory: 4 * MiB },
      seenBy: (snapshot, id) => this.#seenBy(snapshot, id),
      originUrlOf: id => this.#url(`${id} origin`),
      diskOf: id => this.#folder && join(this.#folder, id),
    })
  }

  async #link(name: string, port: () => number): Promise<void> {
    this.links.set(name, await Link.to(name, port))
  }

  #url(name: string): string {
    return this.links.get(name)?.url ?? 'http://127.0.0.1:9'
  }

  #seenBy(snapshot: Snapshot, id: string): Snapshot {
    const ownOrigin = (origin: Origin): Origin =>
      origin.kind === 'http' ? { ...origin, url: this.#url(`${id} origin`) } : origin
    const distributions = snapshot.distributions.map(each => ({
      ...each,
      origins: each.origins.map(ownOrigin),
    }))
    const nodes = snapshot.nodes.map(node => {
      const link = this.links.get(`${id} ${node.id}`)
      return link === undefined ? node : { ...node, url: link.url }
    })
    return { ...snapshot, distributions, nodes }
  }
}

const ORIGINS: Origin[] = [
  {
    ...{ id: 'site', kind: 'http', url: 'http://127.0.0.1:9', headers: [] },
    ...{ ...DEFAULT_WIRE, attempts: 2, connectTimeout: 1, responseTimeout: 2 },
  },
  { id: 'built-in', kind: 'built-in' },
]

const BEHAVIOURS: (Partial<Behaviour> & { pattern: string })[] = [
  { pattern: '/live/*', originId: 'built-in' },
  { pattern: '/asset/*', originId: 'built-in' },
  { pattern: '/spoken/*', forward: ['x-lang'] },
  { pattern: '*' },
]
