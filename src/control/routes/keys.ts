import { SluiceError, Type } from '../../core/index.ts'
import {
  Changed,
  ChangedKeyGroup,
  ImportedKey,
  KeyGroupChange,
  KeyGroupInfo,
  KeyInfo,
  NewKey,
} from '../../client/index.ts'
import { readPublicKey } from '../../signing/index.ts'
import { changeKeyGroup, deleteKey, importKey, listKeyGroups, listKeys, readMeta } from '../database/index.ts'
import { usesKey } from '../cloudfront/field-level-encryption.ts'
import { conflict } from '../refusals.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ById, ByIdOrName } from './shapes.ts'

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
    changeGroup(database),
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
          const made = await importKey(tx, { name, type: key.type, pem: key.pem, group })
          return { ...made, snapshotVersion: (await readMeta(tx)).version }
        })
        return { status: 201, body: { ...imported, name, group } }
      },
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/keys/:id',
        access: { kind: 'token', scope: 'keys' },
        summary: 'Trust a public key no more; 409 while fields are encrypted by it',
        params: ById,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => {
        const snapshotVersion = await database.transaction(async tx => {
          const profile = await usesKey(tx, id)
          if (profile !== undefined)
            throw conflict(
              'in-use',
              `fields are encrypted by the key ${id}: the profile ${profile} names it, so give that another first`,
            )
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

function changeGroup(database: Services['database']): Route {
  return route(
    {
      method: 'PATCH',
      path: '/v1/key-groups/:id',
      access: { kind: 'token', scope: 'keys' },
      summary: 'Say what a key group takes: SHA-1 signatures, policies without a resource',
      params: ByIdOrName,
      body: KeyGroupChange,
      answers: { 200: ChangedKeyGroup },
    },
    async ({ params: { id: name }, body }) => {
      const changed = await database.transaction(async tx => {
        const snapshotVersion = await changeKeyGroup(tx, name, body)
        const groups = await listKeyGroups(tx)
        const group = groups.find(each => each.id === name) ?? groups.find(each => each.name === name)
        return snapshotVersion === undefined || !group ? undefined : { ...group, snapshotVersion }
      })
      if (changed) return { status: 200, body: changed }
      const message = `there is no key group "${name}": sluice keys groups lists them`
      throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
    },
  )
}
