import type { NodeId } from '../../src/core/index.ts'
import { randomFrom } from './fault-site.ts'
import type { BenchNode } from './tier-bench.ts'
import { faultOf, type Moment } from './tier-fault-judge.ts'
import { kindOf, PATHS } from './tier-fault-site.ts'
import { view, type Received, type Wish } from './tier-fault-viewer.ts'
import { TierWorld } from './tier-fault-world.ts'

export interface StoryReport {
  seed: number
  /** What no viewer may be given. */
  faults: string[]
  /** Answers that came whole; that were cut, visibly, or never came; that were refused; from a cache. */
  whole: number
  cut: number
  refused: number
  hits: number
  invalidations: number
  kills: number
  cuts: number
  /** The longest that a viewer was kept. */
  longestMs: number
}

type Random = (below: number) => number

const STEPS = 50

/** One short story of all that may happen at once: nothing of it depends on anything but the seed, but for its times. */
export async function tell(seed: number): Promise<StoryReport> {
  const random = randomFrom(seed)
  const world = await TierWorld.start({
    edges: 1 + random(2),
    regionals: 1 + random(2),
    tiers: random(4) === 0 ? 'disk' : 'memory',
  })
  const story = new Story(seed, random, world)
  try {
    return await story.run()
  } finally {
    await world.close()
  }
}

class Story {
  readonly #random: Random
  readonly #world: TierWorld
  readonly #report: StoryReport
  readonly #underWay = new Set<Promise<unknown>>()
  /** By edge, life and path: the newest playlist that was answered in full. */
  readonly #seen = new Map<string, number>()
  /** Cables are cut in a few stories only: it takes seconds to see that nothing comes. */
  readonly #cables: 'may-be-cut' | 'hold'
  /** Few, so that much happens to each. */
  readonly #paths: readonly string[]
  readonly #log: string[] = []
  readonly #began = performance.now()

  constructor(seed: number, random: Random, world: TierWorld) {
    this.#random = random
    this.#world = world
    this.#cables = random(5) === 0 ? 'may-be-cut' : 'hold'
    this.#paths = PATHS.filter(() => random(5) < 2)
    if (this.#paths.length === 0) this.#paths = PATHS
    const counts = {
      whole: 0,
      cut: 0,
      refused: 0,
      hits: 0,
      invalidations: 0,
      kills: 0,
      cuts: 0,
      longestMs: 0,
    }
    this.#report = { seed, faults: [], ...counts }
  }

  async run(): Promise<StoryReport> {
    for (const path of this.#paths)
      if (this.#random(2) === 0) void this.#view(this.#oneOf(this.#world.edges), { path })
    for (let step = 0; step < STEPS; step++) await this.#step()
    await this.#end()
    return this.#report
  }

  async #step(): Promise<void> {
    const which = this.#random(100)
    const path = this.#oneOf(this.#paths)
    if (which < 55) await this.#visit(path)
    else if (which < 67) this.#world.site.raise(path)
    else if (which < 75) void this.#goOn(this.#invalidate())
    else if (which < 80) this.#hold(path)
    else if (which < 87) this.#killOrRestart()
    else if (which < 90) this.#cutOrHeal()
    else if (which < 96) this.#deafenOrTell()
    else await pause(this.#random(40))
  }

  /** All is well again: whoever asks now gets everything, and nothing old. */
  async #end(): Promise<void> {
    const { site, links, nodes } = this.#world
    for (const link of links.values()) link.heal()
    site.releaseAll()
    for (const { id } of nodes) this.#world.standing(id).hearing = 'hears'
    this.#world.originHears = 'hears'
    this.#world.tellOrigin()
    for (const node of nodes) this.#world.tell(node)
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    for (const node of nodes)
      if (this.#world.standing(node.id).state === 'down') await this.#world.restart(node)
    for (const path of this.#paths) site.raise(path)
    await this.#invalidateAt(['/*'])
    for (const edge of this.#world.edges)
      await Promise.all(
        this.#paths.map(async path => {
          const received = await this.#see(edge, { path })
          if (received?.status !== 200 || received.ended !== 'whole')
            this.#blame({ path }, received, 'all is well, and yet it is not answered')
        }),
      )
  }

  async #visit(path: string): Promise<void> {
    const up = this.#world.edges.filter(({ id }) => this.#world.standing(id).state === 'up')
    if (up.length === 0) return pause(10)
    const edge = this.#oneOf(up)
    const seen = this.#view(edge, this.#wish(path))
    // Most do not wait for each other.
    if (this.#random(3) === 0) await Promise.race([seen, pause(30 + this.#random(100))])
  }

  #wish(path: string): Wish {
    const version = this.#world.site.versionOf(path)
    const headers: Record<string, string> = {}
    if (kindOf(path) === 'spoken') headers['X-Lang'] = this.#oneOf(['de', 'tr'])
    const length = this.#world.site.bodyOf(path, version).length
    switch (this.#random(6)) {
      case 0:
        return { path, method: 'HEAD', headers }
      case 1: {
        if (kindOf(path) === 'live') return { path, query: `?_HLS_msn=${version}&_HLS_part=0`, headers }
        const first = this.#random(length - 150)
        const last = Math.min(length - 1, first + 128 + this.#random(length))
        return { path, headers: { ...headers, Range: `bytes=${first}-${last}` } }
      }
      case 2:
        return { path, headers: { ...headers, 'If-None-Match': `"${1 + this.#random(version)}"` } }
      default:
        return { path, headers }
    }
  }

  #view(edge: BenchNode, wish: Wish): Promise<unknown> {
    return this.#goOn(this.#see(edge, wish))
  }

  async #see(edge: BenchNode, wish: Wish): Promise<Received | undefined> {
    const { life } = this.#world.standing(edge.id)
    const floor = this.#world.floorAt(edge.id, wish.path)
    const moment = { edge: edge.id, life, floor, seen: this.#seenAt(edge.id, life, wish.path) }
    const received = await view(edge.url, wish)
    // An edge that was started meanwhile has answered by what it knew then, which is no less.
    this.#count(received)
    const fault = faultOf(wish, received, moment, this.#world.site)
    if (fault !== undefined) this.#blame(wish, received, `${fault} (${JSON.stringify(moment)})`)
    else this.#remember(wish, received, moment)
    return received
  }

  #seenAt(edge: NodeId, life: number, path: string): number {
    return kindOf(path) === 'live' ? (this.#seen.get(`${edge} ${life} ${path}`) ?? 0) : 0
  }

  #remember({ path, method }: Wish, received: Received | undefined, { edge, life }: Moment): void {
    if (kindOf(path) !== 'live' || received?.ended !== 'whole' || received.status !== 200) return
    if (method === 'HEAD' || this.#world.standing(edge).life !== life) return
    const name = `${edge} ${life} ${path}`
    this.#seen.set(name, Math.max(this.#seen.get(name) ?? 0, Number(received.headers['x-version'])))
  }

  #count(received: Received | undefined): void {
    const report = this.#report
    report.longestMs = Math.max(report.longestMs, received?.ms ?? 0)
    if (received === undefined || received.ended === 'cut') report.cut++
    else if (received.status >= 400) report.refused++
    else {
      report.whole++
      if (String(received.headers['x-cache']).startsWith('Hit')) report.hits++
    }
  }

  #blame(wish: Wish, received: Received | undefined, fault: string): void {
    const answer = received && { status: received.status, ended: received.ended, headers: received.headers }
    this.#report.faults.push(
      [fault, JSON.stringify({ ...wish, ...answer, at: this.#now() }), ...this.#log.slice(-25)].join('\n  '),
    )
  }

  async #invalidate(): Promise<void> {
    const path = this.#oneOf(this.#paths)
    const folder = path.slice(0, path.indexOf('/', 1) + 1)
    const kinds: string[][] = [
      [path],
      [`${folder}*`],
      [`${path.slice(0, -1)}*`],
      [path, this.#oneOf(this.#paths)],
      ['/*'],
    ]
    const patterns = kinds[this.#random(kinds.length)] ?? [path]
    const isTwice = this.#random(3) === 0
    if (isTwice) {
      // What is fetched now is under way still when the next one comes.
      this.#world.site.hold(path)
      await this.#invalidateAt(patterns)
      this.#viewEverywhere(path)
      await pause(40)
    }
    if (this.#random(4) > 0) this.#world.site.raise(path)
    await this.#invalidateAt(patterns)
    // Whatever was fetched meanwhile would be seen now.
    this.#viewEverywhere(path)
    if (!isTwice) return
    await pause(40)
    this.#world.site.release(path)
  }

  #viewEverywhere(path: string): void {
    const headers: Record<string, string> = kindOf(path) === 'spoken' ? { 'X-Lang': 'de' } : {}
    for (const edge of this.#world.edges)
      if (this.#world.standing(edge.id).state === 'up') void this.#view(edge, { path, headers })
  }

  /** Nodes hear of it one after the other, in any order; returns when all that live have applied it. */
  async #invalidateAt(patterns: string[]): Promise<void> {
    this.#report.invalidations++
    const sequence = this.#world.invalidate(patterns)
    this.#tellLog(`invalidation ${sequence} of ${patterns.join(' ')}`)
    const order = [...this.#world.nodes, 'the origin' as const]
      .map(node => ({ node, at: this.#random(1_000) }))
      .toSorted((one, other) => one.at - other.at)
    for (const { node } of order) {
      await pause(this.#random(15))
      if (node === 'the origin') this.#world.tellOrigin()
      else this.#world.tell(node)
      const name = node === 'the origin' ? node : `${node.id} has ${node.node.snapshot?.sequence}`
      this.#tellLog(`${name}, after ${sequence}`)
    }
    if (!this.#world.hasReturned(sequence)) throw new Error('not all that live have heard of it')
  }

  #hold(path: string): void {
    const { site } = this.#world
    site.hold(path)
    this.#tellLog(`${path} is held`)
    void this.#goOn(
      pause(20 + this.#random(300)).then(() => {
        site.release(path)
        this.#tellLog(`${path} is released`)
      }),
    )
  }

  #killOrRestart(): void {
    const down = this.#world.nodes.filter(({ id }) => this.#world.standing(id).state === 'down')
    const node = this.#oneOf(down.length > 0 ? down : this.#world.nodes)
    if (this.#moving.has(node.id)) return
    this.#moving.add(node.id)
    const { state } = this.#world.standing(node.id)
    this.#tellLog(`${node.id} is ${state === 'up' ? 'killed' : 'started'}`)
    if (state === 'up') this.#report.kills++
    const moved = state === 'up' ? this.#world.kill(node) : this.#world.restart(node)
    void this.#goOn(moved.finally(() => this.#moving.delete(node.id)))
  }

  /** Nodes that are being killed or started. */
  readonly #moving = new Set<NodeId>()

  #cutOrHeal(): void {
    const links = [...this.#world.links.values()]
    const broken = links.filter(({ state }) => state !== 'whole')
    const link = this.#oneOf(broken.length > 0 && this.#random(3) > 0 ? broken : links)
    if (link.state !== 'whole') {
      link.heal()
      return this.#tellLog(`${link.name} is healed`)
    }
    this.#report.cuts++
    // An origin of ours that falls silent is waited for too long for a short story.
    const silent = this.#cables === 'may-be-cut' && !link.name.endsWith('origin') && this.#random(2) === 0
    link.cut(silent ? 'silent' : 'reset')
    this.#tellLog(`${link.name} is ${link.state}`)
  }

  #deafenOrTell(): void {
    if (this.#random(2) === 0) return this.#deafenOrigin()
    const node = this.#oneOf(this.#world.nodes)
    const standing = this.#world.standing(node.id)
    standing.hearing = standing.hearing === 'hears' ? 'deaf' : 'hears'
    this.#world.tell(node)
    this.#tellLog(`${node.id} ${standing.hearing}, has ${node.node.snapshot?.sequence}`)
  }

  #deafenOrigin(): void {
    this.#world.originHears = this.#world.originHears === 'hears' ? 'deaf' : 'hears'
    this.#world.tellOrigin()
    this.#tellLog(`the origin ${this.#world.originHears}`)
  }

  #goOn(what: Promise<unknown>): Promise<unknown> {
    const over: Promise<unknown> = what
      .catch((error: unknown) => this.#report.faults.push(`the story itself: ${String(error)}`))
      .finally(() => this.#underWay.delete(over))
    this.#underWay.add(over)
    return over
  }

  #oneOf<One>(all: readonly One[]): One {
    const one = all[this.#random(all.length)]
    if (one === undefined) throw new Error('there is none')
    return one
  }

  #tellLog(what: string): void {
    this.#log.push(`${this.#now()} ${what}`)
  }

  #now(): number {
    return Math.round(performance.now() - this.#began)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
