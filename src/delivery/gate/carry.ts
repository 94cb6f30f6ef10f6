import { createHash } from 'node:crypto'
import type { StoredObject, UpstreamAnswer } from '../../cache/index.ts'
import { Lru, MiB, type Bytes } from '../../core/index.ts'
import { carryQuery } from '../../hls/index.ts'
import { fieldValue, withoutFields, type FlatHeaders, type Validators } from '../../http/index.ts'
import { known, type Exchange } from '../exchange.ts'
import type { Chunks } from '../answer/send-stream.ts'

/** What a signed URL with a custom policy has; the last only where the signature is not SHA-1. */
const PARAMETERS = ['Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'] as const

/** Which of the parameters came; one text serves all who came with the same. */
export type Shape = 'undeclared' | 'declared'

const NAMES: Record<Shape, readonly string[]> = {
  undeclared: PARAMETERS.slice(0, 3),
  declared: PARAMETERS,
}

/** A larger playlist goes out as it is stored. */
export const LARGEST_CARRIED: Bytes = MiB

/**
 * The shape of the query that this viewer's playlist hands on; undefined for whoever gets the stored bytes. A canned
 * policy covers its one URL, so there is nothing to hand on; cookies and path tokens carry themselves.
 */
export function carriedShape(x: Exchange): Shape | undefined {
  const behaviour = known(x.behaviour, 'the behaviour')
  const { path, query } = known(x.target, 'the target')
  if (behaviour.carry !== 'define' || !behaviour.gate || !path.endsWith('.m3u8')) return undefined
  // Any signing parameter makes it a signed URL, and the gate has let it in: whatever else there is did not count.
  const names = new Set(query.split('&').map(pair => pair.split('=', 1)[0]))
  if (!NAMES.undeclared.every(name => names.has(name))) return undefined
  return names.has('Hash-Algorithm') ? 'declared' : 'undeclared'
}

/** What the text of a playlist is made from and answered with. */
export interface PlaylistSource {
  headers: FlatHeaders
  validators: Validators
  body: Buffer
}

/**
 * The texts that hand a signed query on, made once for each stored object and shape. None of a grant's values stands
 * in them. The ones that were asked for longest ago go first and are made again.
 */
export class CarriedPlaylists {
  readonly #made: Record<Shape, Lru<StoredObject, StoredObject>> = {
    undeclared: memo(),
    declared: memo(),
  }

  /** The object as this shape sees it; the same when there is nothing to hand on. */
  of(object: StoredObject, shape: Shape): StoredObject {
    const made = this.#made[shape]
    let carried = made.get(object)
    if (carried === undefined) {
      carried = { ...object, ...carry(object, shape) }
      made.set(object, carried)
    }
    return carried
  }
}

/** For each shape, stored bodies that are kept alive by it included. */
const MOST_BYTES: Bytes = 16 * MiB

function memo(): Lru<StoredObject, StoredObject> {
  return new Lru({
    maxSize: MOST_BYTES,
    sizeCalculation: (carried, object) => carried.body.length + object.body.length + 1000,
  })
}

/** A body that is no text, or no playlist, or too large stays as it is. */
export function carry(source: PlaylistSource, shape: Shape): PlaylistSource {
  const names = NAMES[shape]
  return changeText(source, text => carryQuery(text, names), `d${names.length}`)
}

/** The same source where `change` gives nothing; `mark` tells this change from others. */
export function changeText(
  source: PlaylistSource,
  change: (text: string) => string | undefined,
  mark: string,
): PlaylistSource {
  const { headers, validators, body } = source
  const text = body.length > LARGEST_CARRIED ? undefined : readText(body)
  const changed = text === undefined ? undefined : change(text)
  if (changed === undefined) return source
  const made = Buffer.from(changed)
  const etag = derivedTag(validators.etag, made, mark)
  return {
    headers: [...withoutFields(headers, OF_THE_STORED_TEXT), 'ETag', etag],
    // The stored text's date would confirm a copy from before the behaviour was told to carry.
    validators: { etag, lastModified: undefined },
    body: made,
  }
}

const OF_THE_STORED_TEXT: ReadonlySet<string> = new Set([
  'etag',
  'last-modified',
  'content-length',
  'content-md5',
  'digest',
  'content-digest',
  'repr-digest',
])

/** Another text needs another tag, or a 304 would confirm the wrong one (RFC 9110 §8.8.1). */
function derivedTag(etag: string | undefined, made: Buffer, mark: string): string {
  const [, tag] = /^((?:W\/)?"[^"]*)"$/.exec(etag ?? '') ?? []
  const start = tag ?? `"${createHash('sha256').update(made).digest('hex').slice(0, 20)}`
  return `${start}-${mark}"`
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readText(body: Buffer): string | undefined {
  try {
    return UTF8.decode(body)
  } catch {
    return undefined
  }
}

/** Whether an answer on its way may be a playlist that is worth waiting for. */
export function mayCarry({ status, length }: { status: number; length: number | undefined }): boolean {
  return status === 200 && (length === undefined || length <= LARGEST_CARRIED)
}

/** An answer that is this viewer's alone. */
export type Passing = Omit<UpstreamAnswer, 'body'> & { body: Chunks }

/** A playlist that nobody stores, changed. What is too large for one can still be read from its start. */
export async function changePassing(
  answer: UpstreamAnswer,
  change: (source: PlaylistSource) => PlaylistSource,
): Promise<Passing> {
  const { headers } = answer
  if (Number(fieldValue(headers, 'content-length')) > LARGEST_CARRIED) return answer
  const body = answer.body[Symbol.asyncIterator]()
  const read: Uint8Array[] = []
  let size = 0
  while (size <= LARGEST_CARRIED) {
    const next = await body.next()
    if (next.done === true) {
      const validators = { etag: fieldValue(headers, 'etag'), lastModified: undefined }
      const carried = change({ headers, validators, body: Buffer.concat(read) })
      const length = ['Content-Length', String(carried.body.length)]
      return {
        ...answer,
        headers: [...withoutFields(carried.headers, LENGTH), ...length],
        body: [carried.body],
      }
    }
    read.push(next.value)
    size += next.value.length
  }
  return { ...answer, body: rest(read, body) }
}

const LENGTH: ReadonlySet<string> = new Set(['content-length'])

async function* rest(
  read: Uint8Array[],
  body: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* read
  for (let next = await body.next(); next.done !== true; next = await body.next()) yield next.value
}
