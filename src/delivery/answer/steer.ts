import { createHash } from 'node:crypto'
import type { StoredObject } from '../../cache/index.ts'
import { Lru, MiB, type Bytes, type DistributionId } from '../../core/index.ts'
import type { Snapshot } from '../../distribution/index.ts'
import { steerPlaylist } from '../../hls/index.ts'
import { steeringUri, type Scheme } from '../../routing/index.ts'
import { changeText, type PlaylistSource } from '../gate/carry.ts'

/** Stored bodies that are kept alive by it included. */
const MOST_BYTES: Bytes = 16 * MiB

/** Playlists with the tag that steers their players, made once for each stored one. */
export class SteeredPlaylists {
  /** By tag, of which there is one for each port of a distribution; where routers move there is another. */
  readonly #made = new Lru<StoredObject, Map<string, StoredObject>>({
    maxSize: MOST_BYTES,
    // Two schemes.
    sizeCalculation: (_made, object) => 3 * object.body.length + 2000,
  })

  /** The same where it is no playlist that can be steered. */
  of(object: StoredObject, tag: string): StoredObject {
    let made = this.#made.get(object)
    if (made === undefined || (made.size > 1 && !made.has(tag))) this.#made.set(object, (made = new Map()))
    const known = made.get(tag)
    if (known !== undefined) return known
    const changed = steer(object, tag)
    const steered = changed === object ? object : { ...object, ...changed }
    made.set(tag, steered)
    return steered
  }
}

/** Where a router steers players, by the scheme that a viewer speaks. */
export type SteeringUris = Partial<Record<Scheme, string>>

/** Of the distributions whose players are steered. */
export function steeringUris({ distributions, nodes }: Snapshot): Map<DistributionId, SteeringUris> {
  const steered = distributions.filter(({ steering }) => steering === true)
  return new Map(
    steered.map(distribution => {
      const [http, https] = (['http', 'https'] as const).map(each => steeringUri(distribution, nodes, each))
      return [distribution.id, { ...(http !== undefined && { http }), ...(https !== undefined && { https }) }]
    }),
  )
}

/** A body that is no text, no multivariant playlist, or too large stays as it is. */
export function steer(source: PlaylistSource, tag: string): PlaylistSource {
  const mark = `s${createHash('sha256').update(tag).digest('hex').slice(0, 8)}`
  return changeText(source, text => steerPlaylist(text, tag), mark)
}
