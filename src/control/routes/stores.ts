import { MiB, Type, type Bytes } from '../../core/index.ts'
import { Changed, ChangedStore, NewStore, StoreChange, StoreInfo, StoreItems } from '../../client/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import {
  changeStore,
  createStore,
  findStore,
  itemsOfStore,
  listStoreInfos,
  removeStore,
  storeInfo,
} from '../stores.ts'
import { ByIdOrName } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const READ = { kind: 'token', scope: 'read' } as const
/** JSON may write a byte of them as six. */
const LARGEST: Bytes = 32 * MiB

/** What functions read by key. */
export function storeRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/stores',
        access: READ,
        summary: 'Key value stores that functions may read, by name',
        answers: { 200: Type.Object({ stores: Type.Array(StoreInfo) }) },
      },
      async () => ({ status: 200, body: { stores: await database.read(listStoreInfos) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/stores/:id',
        access: READ,
        summary: 'One key value store, by name or id, with who reads it',
        params: ByIdOrName,
        answers: { 200: StoreInfo },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: await database.read(async tx => storeInfo(tx, await findStore(tx, id))),
      }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/stores/:id/items',
        // Functions look up secrets there.
        access: ADMIN,
        summary: 'All keys of a store with their values',
        params: ByIdOrName,
        answers: { 200: StoreItems },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { items: await database.read(async tx => itemsOfStore(tx, await findStore(tx, id))) },
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/stores',
        access: ADMIN,
        summary: 'Make a key value store, with what is in it or empty',
        body: NewStore,
        largestBody: LARGEST,
        answers: { 201: StoreInfo },
      },
      async ({ body }) => ({
        status: 201,
        body: await database.transaction(async tx => storeInfo(tx, await createStore(tx, body))),
      }),
    ),
    route(
      {
        method: 'PATCH',
        path: '/v1/stores/:id',
        access: ADMIN,
        summary: 'Put keys into a store, and take keys out of it, in one step; functions follow at once',
        params: ByIdOrName,
        body: StoreChange,
        largestBody: LARGEST,
        answers: { 200: ChangedStore },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => changeStore(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/stores/:id',
        access: ADMIN,
        summary: 'Delete a key value store; 409 while a function reads it',
        params: ByIdOrName,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeStore(tx, id)) },
      }),
    ),
  ]
}
