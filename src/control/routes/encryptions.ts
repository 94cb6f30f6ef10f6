import { Type } from '../../core/index.ts'
import { Changed, ChangedEncryption, EncryptionInfo } from '../../client/index.ts'
import { EncryptionInput } from '../../distribution/index.ts'
import {
  createEncryption,
  findEncryption,
  listEncryptionInfos,
  removeEncryption,
  replaceEncryption,
} from '../own-encryptions.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ByIdOrName } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const READ = { kind: 'token', scope: 'read' } as const

/** By what behaviours encrypt fields of forms. */
export function encryptionRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/encryptions',
        access: READ,
        summary: 'Field-level encryptions, which behaviours name',
        answers: { 200: Type.Object({ encryptions: Type.Array(EncryptionInfo) }) },
      },
      async () => ({ status: 200, body: { encryptions: await database.read(listEncryptionInfos) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/encryptions/:id',
        access: READ,
        summary: 'One encryption with its profiles, by name or id',
        params: ByIdOrName,
        answers: { 200: EncryptionInfo },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: await database.read(tx => findEncryption(tx, id)),
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/encryptions',
        access: ADMIN,
        summary: 'Make an encryption, with profiles of its own or those that there are',
        body: EncryptionInput,
        answers: { 201: ChangedEncryption },
      },
      async ({ body }) => ({
        status: 201,
        body: await database.transaction(tx => createEncryption(tx, body)),
      }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/encryptions/:id',
        access: ADMIN,
        summary:
          'Put another definition in the place of an encryption; behaviours that name it follow at once',
        params: ByIdOrName,
        body: EncryptionInput,
        answers: { 200: ChangedEncryption },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => replaceEncryption(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/encryptions/:id',
        access: ADMIN,
        summary: 'Delete an encryption; 409 while a behaviour names it',
        params: ByIdOrName,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeEncryption(tx, id)) },
      }),
    ),
  ]
}
