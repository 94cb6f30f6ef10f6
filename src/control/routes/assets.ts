import { createHash } from 'node:crypto'
import { SluiceError, Type, type PublicationId } from '../../core/index.ts'
import { Asset, Changed, NewPublication, Publication } from '../../client/index.ts'
import { poll } from '../bell.ts'
import { findAsset, getPublication, listAssets, viewOfPublication } from '../database/index.ts'
import { assetPath } from '../paths.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { AtPath, ById, prefixOf, Wait, WithPrefix } from './shapes.ts'

/** How long an unpublish waits for an origin to do it. */
const REMOVAL_MS = 50_000

export function assetRoutes(services: Services): Route[] {
  return [begin(services), list(services), one(services), remove(services), publication(services)]
}

function begin({ publishing }: Services): Route {
  return route(
    {
      method: 'POST',
      path: '/v1/assets',
      access: { kind: 'token', scope: 'publish' },
      summary: 'Begin to publish a file at a path; upload it by tus 1.0 to the uploadUrl of the answer',
      body: NewPublication,
      answers: { 201: Publication },
    },
    async ({ body }) => {
      const publication = viewOfPublication(await publishing.begin(body))
      return { status: 201, body: publication, headers: { location: publication.uploadUrl } }
    },
  )
}

function list({ database }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/assets',
      access: { kind: 'token', scope: 'read' },
      summary: 'All assets, or those at or under a path',
      query: WithPrefix,
      answers: { 200: Type.Object({ assets: Type.Array(Asset) }) },
    },
    async ({ query }) => {
      const assets = await database.read(tx => listAssets(tx, prefixOf(query)))
      return { status: 200, body: { assets } }
    },
  )
}

function one({ database }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/assets/at',
      access: { kind: 'token', scope: 'read' },
      summary: 'The asset at exactly this path',
      query: AtPath,
      answers: { 200: Asset },
    },
    async ({ query }) => {
      const path = assetPath(query.path)
      const assets = await database.read(tx => listAssets(tx, path))
      const asset = assets.find(each => each.path === path)
      if (!asset) throw notFound(`nothing is published at ${path}: sluice assets lists what is`)
      return { status: 200, body: asset }
    },
  )
}

function remove({ database, publishing, publicationBell, snapshots }: Services): Route {
  return route(
    {
      method: 'DELETE',
      path: '/v1/assets/at',
      access: { kind: 'token', scope: 'publish' },
      summary: 'Take the asset at a path out of service; answers when an origin has done it',
      query: AtPath,
      answers: { 200: Changed },
    },
    async ({ query, signal }) => {
      const path = await publishing.remove(query.path)
      const outcome = await poll(publicationBell, { span: REMOVAL_MS, signal }, async () => {
        const asset = await database.read(tx => findAsset(tx, path))
        if (asset?.state === 'removing') return undefined
        return asset ? 'kept' : 'gone'
      })
      if (outcome === 'gone')
        return { status: 200, body: { snapshotVersion: (await snapshots.current()).version } }
      if (outcome === 'kept') {
        throw new SluiceError(
          'not-removed',
          `no origin could remove ${path}; it is served on: see the origin's log, then try again`,
        )
      }
      const message = `${path} will be removed when an origin takes the job; none has yet: see sluice nodes`
      throw new SluiceError('removal-waits', message, { kind: 'unavailable' })
    },
  )
}

function publication({ database, publicationBell }: Services): Route {
  return route(
    {
      method: 'GET',
      path: '/v1/assets/publications/:id',
      access: { kind: 'token', scope: 'read' },
      summary: 'One publication; with wait and If-None-Match, answers when it differs from that, or 304',
      params: ById,
      query: Wait,
      answers: { 200: Publication, 304: null },
    },
    async ({ params, query, headers, signal }) => {
      const known = headers['if-none-match']
      const found = await poll(publicationBell, { span: (query.wait ?? 0) * 1000, signal }, async () => {
        const row = await database.read(tx => getPublication(tx, params.id as PublicationId)) // compared only
        if (!row)
          throw notFound(`there is no publication ${params.id}: sluice assets lists what is published`)
        const json = JSON.stringify(viewOfPublication(row))
        const tag = `"${createHash('sha256').update(json).digest('base64url').slice(0, 16)}"`
        return tag === known ? undefined : { tag, view: viewOfPublication(row) }
      })
      if (!found) return { status: 304, headers: { etag: known ?? '' } }
      return { status: 200, body: found.view, headers: { etag: found.tag } }
    },
  )
}

function notFound(message: string): SluiceError {
  return new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
}
