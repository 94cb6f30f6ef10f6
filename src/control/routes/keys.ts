import { SluiceError, Type } from '../../core/index.ts'
import { Changed, ImportedKey, KeyGroupInfo, KeyInfo, NewKey } from '../../client/index.ts'
import { readPublicKey } from '../../signing/index.ts'
import { deleteKey, importKey, listKeyGroups, listKeys, readMeta } from '../database/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ById } from './shapes.ts'

export function keyRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/keys',
        access: { kind: 'token', scope: 'read' },
        summary: 'Public keys that policies may be signed with',
        answers: { 200: Type.Object({ keys: Type.Array(KeyInfo) }) },
      },
      async () => ({ status: 200, body: { keys: await database.read(listKeys) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/key-groups',
        access: { kind: 'token', scope: 'read' },
        summary: 'Key groups, which behaviours trust',
        answers: { 200: Type.Object({ keyGroups: Type.Array(KeyGroupInfo) }) },
      },
      async () => ({ status: 200, body: { keyGroups: await database.read(listKeyGroups) } }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/keys',
        access: { kind: 'token', scope: 'keys' },
        summary: 'Trust a public key; the group is made where there is none of that name',
        body: NewKey,
        answers: { 201: ImportedKey },
      },
      async ({ body: { name, pem, group } }) => {
        const key = readPublicKey(pem)
        if (key.kind === 'refused') {
          throw new SluiceError('bad-key', key.why, { side: 'operator', kind: 'usage' })
        }
        const imported = await database.transaction(async tx => {
          const id = await importKey(tx, { name, type: key.type, pem: key.pem, group })
          return { id, snapshotVersion: (await readMeta(tx)).version }
        })
        return { status: 201, body: { ...imported, name, group } }
      },
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/keys/:id',
        access: { kind: 'token', scope: 'keys' },
        summary: 'Trust a public key no more',
        params: ById,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => {
        const snapshotVersion = await database.transaction(async tx => {
          if ((await deleteKey(tx, id)) === 'absent') {
            const message = `there is no key ${id}: sluice keys list names them`
            throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
          }
          return (await readMeta(tx)).version
        })
        return { status: 200, body: { snapshotVersion } }
      },
    ),
  ]
}
