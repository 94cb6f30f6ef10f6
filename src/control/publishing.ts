import {
  formatBytes,
  newPublicationId,
  SluiceError,
  type AssetPath,
  type Bytes,
  type PublicationId,
} from '../core/index.ts'
import type { NewPublication } from '../client/index.ts'
import { objectKey, type ObjectKey, type ObjectStore } from '../storage/index.ts'
import { refuseChannelInTheWay } from './channels.ts'
import {
  activeLeaseOf,
  changeLease,
  changePublication,
  countPublication,
  failUnfinished,
  findAsset,
  getPublication,
  insertPublication,
  overlappingAsset,
  publicationsInState,
  setActiveJob,
  setAssetState,
  type Database,
  type PublicationRow,
  type Tx,
} from './database/index.ts'
import { assetPath } from './paths.ts'
import { dispatch } from './work.ts'

/** Uploads under way at once; each may hold a file of any size. */
const MOST_UPLOADS = 1_000

export function uploadKey(id: PublicationId): ObjectKey {
  return objectKey('uploads', id)
}

/** From the wish to publish to the queued job, and from the wish to unpublish to the queued removal. */
export class Publishing {
  readonly #database: Database
  readonly #store: ObjectStore
  readonly #spareBytes: Bytes

  constructor(database: Database, store: ObjectStore, spareBytes: Bytes) {
    this.#database = database
    this.#store = store
    this.#spareBytes = spareBytes
  }

  async begin(wanted: NewPublication): Promise<PublicationRow> {
    const path = assetPath(wanted.path)
    await this.#checkRoom(wanted.size)
    const id = newPublicationId()
    // The empty upload first: a publication that was acknowledged always has somewhere to upload to.
    await this.#store.growing.begin(uploadKey(id), wanted.size)
    try {
      return await this.#database.transaction(tx => insert(tx, id, path, wanted))
    } catch (error) {
      await this.#store.growing.abandon(uploadKey(id))
      throw error
    }
  }

  /** The upload is whole: queues its job. Saying so twice changes nothing. */
  async uploaded(id: PublicationId): Promise<void> {
    await this.#database.transaction(async tx => {
      const publication = await getPublication(tx, id)
      if (publication?.state !== 'uploading') return
      await changePublication(tx, id, { state: 'queued' })
      await dispatch(tx, publication.assetId)
    })
  }

  /** Ends an upload that will not be finished. */
  async abandon(id: PublicationId, code: string, message: string): Promise<void> {
    const ended = await this.#database.transaction(async tx => {
      if ((await getPublication(tx, id))?.state !== 'uploading') return false
      await changePublication(tx, id, { state: 'errored', error: { code, message } })
      return true
    })
    if (ended) await this.#store.growing.abandon(uploadKey(id))
  }

  /** Begins the removal; whatever of the asset is under way ends. It is over when the asset is gone. */
  async remove(text: string): Promise<AssetPath> {
    const path = assetPath(text)
    const ended = await this.#database.transaction(tx => startRemoval(tx, path))
    for (const id of ended) await this.#store.growing.abandon(uploadKey(id))
    return path
  }

  async #checkRoom(size: Bytes): Promise<void> {
    const free = await this.#store.free()
    const uploading = await this.#database.read(tx => publicationsInState(tx, 'uploading'))
    if (uploading.length >= MOST_UPLOADS) {
      throw new SluiceError(
        'too-many-uploads',
        `${MOST_UPLOADS} uploads are under way: try again when some are done`,
        {
          kind: 'unavailable',
        },
      )
    }
    if (free === undefined) return
    let promised = 0
    for (const { id, size: whole } of uploading) {
      promised += whole - ((await this.#store.growing.arrived(uploadKey(id))) ?? 0)
    }
    const room = free - promised - this.#spareBytes
    if (size <= room) return
    throw new SluiceError(
      'no-space',
      `the file has ${formatBytes(size)} and the origin's disk has room for ${formatBytes(Math.max(0, room))} more, since ` +
        `${formatBytes(this.#spareBytes)} stay free: unpublish something or make room on the disk`,
    )
  }
}

async function insert(
  tx: Tx,
  id: PublicationId,
  path: AssetPath,
  wanted: NewPublication,
): Promise<PublicationRow> {
  await refuseChannelInTheWay(tx, path)
  const other = await overlappingAsset(tx, path)
  if (other !== undefined) {
    const [inner, outer] = other.length > path.length ? [other, path] : [path, other]
    throw conflict(
      'overlap',
      `${inner} would lie inside ${outer}: publish at another path or unpublish ${other}`,
    )
  }
  if ((await findAsset(tx, path))?.state === 'removing') {
    throw conflict('being-removed', `${path} is being unpublished: try again when that is done`)
  }
  const { id: assetId, version } = await countPublication(tx, path)
  const { fileName, size, ladder } = wanted
  const row = await insertPublication(tx, { id, assetId, path, version, fileName, size, ladder })
  if (row.state === 'queued') await dispatch(tx, assetId)
  return row
}

async function startRemoval(tx: Tx, path: AssetPath): Promise<PublicationId[]> {
  const asset = await findAsset(tx, path)
  if (!asset) {
    throw new SluiceError('not-found', `nothing is published at ${path}: sluice assets lists what is`, {
      kind: 'not-found',
    })
  }
  if (asset.state === 'removing') return []
  await setAssetState(tx, asset.id, 'removing')
  const held = await activeLeaseOf(tx, asset.id)
  const message = `${path} was unpublished before this publication was ready`
  const ended = await failUnfinished(tx, asset.id, { code: 'unpublished', message })
  if (held) {
    // Its holder learns it with its next heartbeat and gives the lease back; then the removal is queued.
    await changeLease(tx, held, { state: 'cancelled' })
    return ended.filter(id => id !== held.publicationId)
  }
  if (asset.activeJob !== null) await tx.queue.drop(tx, asset.activeJob)
  await setActiveJob(tx, asset.id, null)
  await dispatch(tx, asset.id)
  return ended
}

function conflict(code: string, message: string): SluiceError {
  return new SluiceError(code, message, { side: 'operator', kind: 'conflict' })
}
