import { rendezvous } from '../../core/index.ts'
import type { Snapshot } from '../../distribution/index.ts'
import { placesOf, placesOfChannel, type NodePlace } from '../../membership/index.ts'
import type { UpstreamQuestion } from './upstream.ts'

/** Where the origins of this installation are, and which of them is to be asked first. */
export class OriginPlaces {
  readonly #own: readonly NodePlace[] | undefined
  #snapshot: Pick<Snapshot, 'nodes' | 'channels'> = { nodes: [], channels: [] }
  #all: readonly NodePlace[] = []
  /** Of channels that were asked for; made anew with each snapshot. */
  #ofChannels = new Map<string, readonly NodePlace[]>()

  /** `url` is that of the origin on this machine, which hands on what it has not; elsewhere the snapshot names them. */
  constructor(url: string | undefined) {
    this.#own = url === undefined ? undefined : [{ url }]
  }

  follow(snapshot: Pick<Snapshot, 'nodes' | 'channels'>): void {
    this.#snapshot = snapshot
    this.#all = placesOf(snapshot, 'origin')
    this.#ofChannels.clear()
  }

  get all(): readonly NodePlace[] {
    return this.#own ?? this.#all
  }

  /**
   * The best first: of a channel who has it (SEAMS 28), of a film always the same one for the same folder, so that each
   * origin holds the indexes of its share.
   */
  for({ channel, path }: Pick<UpstreamQuestion, 'channel' | 'path'>): readonly NodePlace[] {
    if (this.#own !== undefined || this.#all.length < 2) return this.all
    if (channel !== undefined) return this.#ofChannel(channel)
    return rendezvous(path.slice(0, path.lastIndexOf('/')), this.#all, ({ id = '' }) => id)
  }

  #ofChannel(path: string): readonly NodePlace[] {
    const known = this.#ofChannels.get(path)
    if (known !== undefined) return known
    const channel = this.#snapshot.channels.find(each => each.path === path) ?? { path }
    const places = placesOfChannel(this.#snapshot, channel)
    this.#ofChannels.set(path, places)
    return places
  }
}
