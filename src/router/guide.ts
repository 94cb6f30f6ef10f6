import type { Clock, DistributionId } from '../core/index.ts'
import { compileMatcher, type Distribution, type Matcher, type Snapshot } from '../distribution/index.ts'
import type { CountryFile } from '../inbound/index.ts'
import { parseAddress } from '../signing/index.ts'
import {
  EdgeTable,
  Latencies,
  locationOfCountry,
  nameOfNetwork,
  rank,
  siteOf,
  textOfAddress,
  type AddressBytes,
  type Client,
  type Edge,
  type Ranked,
  type Site,
} from '../routing/index.ts'

export interface GuideOptions {
  /** `cdn.example`. */
  zone: string
  /** Owned by whoever made it. */
  countries: CountryFile | undefined
  clock: Clock
}

interface Applied {
  snapshot: Snapshot
  matcher: Matcher
  zone: Omit<Site, 'edges'>
  byId: ReadonlyMap<DistributionId, Distribution>
}

/** All that a router knows, in one place for DNS, redirects and steering: who is there, and how far from whom. */
export class Guide {
  readonly table = new EdgeTable()
  readonly latencies = new Latencies()
  readonly #options: GuideOptions
  #applied: Applied | undefined
  #site: Site | undefined

  constructor(options: GuideOptions) {
    this.#options = options
  }

  apply(snapshot: Snapshot): void {
    this.table.apply(snapshot)
    this.#applied = {
      snapshot,
      matcher: compileMatcher(snapshot),
      zone: siteOf(this.#options.zone, snapshot),
      byId: new Map(snapshot.distributions.map(each => [each.id, each])),
    }
    this.#site = undefined
  }

  /** The same object as long as nothing has changed; undefined before the first snapshot. */
  get site(): Site | undefined {
    const { edges } = this.table
    if (this.#applied !== undefined && this.#site?.edges !== edges)
      this.#site = { ...this.#applied.zone, edges }
    return this.#site
  }

  get edges(): readonly Edge[] {
    return this.table.edges
  }

  get isReady(): boolean {
    return this.#applied !== undefined
  }

  /** Of the name that a request is for. */
  distributionAt(host: string): Distribution | undefined {
    return this.#applied?.matcher.distribution(host)?.distribution
  }

  distributionOf(id: string): Distribution | undefined {
    const found = this.#applied?.byId.get(id as DistributionId) // compared only
    return found?.enabled === true ? found : undefined
  }

  /** Measured where his network was, else by the file: where his network is, or his country. */
  client(address: AddressBytes): Client {
    const { countries, clock } = this.#options
    const latencies = this.latencies.of(nameOfNetwork(address), clock.now())
    const { location, country } = countries?.place(textOfAddress(address)) ?? {}
    return {
      latencies,
      location: location ?? (country === undefined ? undefined : locationOfCountry(country)),
    }
  }

  /** `able`: those that can be reached as the client has to. */
  rank(distribution: Distribution, address: string, able: (edge: Edge) => boolean): Ranked[] {
    const bytes = parseAddress(address)
    return rank(this.edges, bytes === undefined ? {} : this.client(bytes), distribution, able)
  }
}
