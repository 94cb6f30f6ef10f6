import { Type } from '../../core/index.ts'
import {
  Changed,
  ChangedOriginAccess,
  NewOriginAccess,
  OriginAccessChange,
  OriginAccessInfo,
} from '../../client/index.ts'
import {
  changeOriginAccess,
  createOriginAccess,
  listOriginAccessInfos,
  removeOriginAccess,
} from '../origin-access.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ByIdOrName } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const

/** How nodes read buckets. Secrets come in here and go to the nodes that need them, and into no answer. */
export function originAccessRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/origin-access',
        access: { kind: 'token', scope: 'read' },
        summary: 'Origin access controls and identities, without their secrets',
        answers: { 200: Type.Object({ originAccess: Type.Array(OriginAccessInfo) }) },
      },
      async () => ({ status: 200, body: { originAccess: await database.read(listOriginAccessInfos) } }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/origin-access',
        access: ADMIN,
        summary: 'Make an access by which nodes read buckets; its secret is told to nobody again',
        body: NewOriginAccess,
        answers: { 201: ChangedOriginAccess },
      },
      async ({ body }) => ({
        status: 201,
        body: await database.transaction(tx => createOriginAccess(tx, body)),
      }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/origin-access/:id',
        access: ADMIN,
        summary: 'Give an access new credentials or another way to sign; what is left out stays',
        params: ByIdOrName,
        body: OriginAccessChange,
        answers: { 200: ChangedOriginAccess },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => changeOriginAccess(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/origin-access/:id',
        access: ADMIN,
        summary: 'Forget an access with its secret; 409 while an origin uses it',
        params: ByIdOrName,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeOriginAccess(tx, id)) },
      }),
    ),
  ]
}
