import type { PlaylistFound, StoredObject } from '../../cache/index.ts'
import { after, instant, Lru, MiB, SluiceError, type Bytes, type Clock } from '../../core/index.ts'
import { fieldValue, nodeAge, withoutFields } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import { asOwnersFound, ownersWord } from './borrowed-found.ts'
import type { Owned } from './neighbour.ts'

/** A longer playlist of a channel there is none. */
const LONGEST: Bytes = 16 * MiB
const MOST_BYTES: Bytes = 8 * MiB

/**
 * Live playlists that other workers own. The owner is asked each time, since it alone knows the newest version; what it
 * said last is kept only so that it need not say the same again. One question stands for all who ask for the same of
 * what is still to come; questions for what is there now are never shared, since the answer may be older than what
 * somebody has seen meanwhile (SEAMS 20).
 */
export class Versions {
  readonly #clock: Clock
  readonly #last = new Lru<string, StoredObject>({
    maxSize: MOST_BYTES,
    sizeCalculation: object => object.body.length + 2_000,
  })
  readonly #coming = new Map<string, Promise<PlaylistFound>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  lookup(x: Exchange, ask: () => Promise<PlaylistFound>): Promise<PlaylistFound> {
    if (!x.directives.includes('_HLS_msn=')) return ask()
    const question = `${known(x.key, 'the key')} ${x.directives}`
    const coming = this.#coming.get(question)
    // What is not a version is one viewer's own.
    if (coming)
      return coming.then(found => (found.kind === 'version' ? { ...found, source: 'joined' } : ask()))
    const asked = ask().finally(() => this.#coming.delete(question))
    this.#coming.set(question, asked)
    return asked
  }

  /** What the owner said of this when it was asked last. */
  last(x: Exchange): StoredObject | undefined {
    return this.#last.get(nameOf(x))
  }

  async read(
    x: Exchange,
    { answer }: Owned & { kind: 'answer' },
    before: StoredObject | undefined,
  ): Promise<PlaylistFound> {
    const word = ownersWord(answer.headers)
    const same = answer.status === 304 ? before : undefined
    const [source, left] = word?.kind === 'version' ? word.more : []
    if (source !== 'known' && source !== 'fetched' && source !== 'joined') {
      if (same !== undefined) return { kind: 'hit', object: same }
      return asOwnersFound({ kind: 'passing', answer, reason: 'no-store', forward: 'miss' })
    }
    const bornAt = instant(answer.respondedAt - nodeAge(answer.headers))
    const freshUntil = after(this.#clock.now(), Number(left))
    if (same !== undefined) {
      answer.destroy()
      // The same body and fields, which others have made something of, but as young as the owner says.
      const object = { ...same, bornAt, freshUntil }
      if (this.last(x) === same) this.#last.set(nameOf(x), object)
      return { kind: 'version', object, source }
    }
    const headers = withoutFields(answer.headers, OF_THE_ANSWER)
    const object: StoredObject = {
      key: known(x.key, 'the key'),
      distributionId: known(x.served, 'the distribution').distribution.id,
      path: known(x.target, 'the target').path,
      sequence: answer.sequence ?? 0,
      ...{ status: answer.status, headers, bornAt, freshUntil, staleOnError: false },
      validators: { etag: fieldValue(headers, 'etag'), lastModified: fieldValue(headers, 'last-modified') },
      body: await gathered(answer.body),
    }
    this.#last.set(nameOf(x), object)
    return { kind: 'version', object, source }
  }
}

const OF_THE_ANSWER: ReadonlySet<string> = new Set([
  ...['content-length', 'sluice-found', 'sluice-age-ms', 'sluice-cache-control'],
])

/** A delta update and the whole have tags of their own. */
function nameOf(x: Exchange): string {
  return `${known(x.key, 'the key')} ${x.directives.includes('_HLS_skip=') ? 'delta' : 'full'}`
}

async function gathered(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > LONGEST) throw new SluiceError('too-large', 'a playlist is too large', { side: 'upstream' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
