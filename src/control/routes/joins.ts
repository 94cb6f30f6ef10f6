import { SluiceError, Type, type NodeId } from '../../core/index.ts'
import {
  CertificateRenewal,
  Changed,
  JoinAnswer,
  JoinRequest,
  JoinToken,
  NewJoinToken,
  NodeCertificate,
  StorageQuestion,
} from '../../client/index.ts'
import { VERSION_FIELD } from '../../membership/index.ts'
import { addEvent, moveNode, removeNode, setDraining } from '../database/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { asker } from './nodes.ts'
import { ById } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const JOINED = ['origin', 'regional', 'edge', 'gateway', 'router'] as const

/** How machines come, stay and go. */
export function joinRoutes(services: Services): Route[] {
  return [...peoplesRoutes(services), ...drainRoutes(services), ...nodesRoutes(services)]
}

function drainRoutes({ database, snapshots }: Services): Route[] {
  const about = { drain: 'Send nothing new to a node', undrain: 'Send it what is new again' } as const
  const [drain, undrain] = (['drain', 'undrain'] as const).map(what =>
    route(
      {
        method: 'POST',
        path: `/v1/nodes/:id/${what}`,
        access: ADMIN,
        summary: about[what],
        params: ById,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => {
        const wanted = what === 'drain' ? 'draining' : 'serving'
        const version = await database.transaction(async tx => {
          const outcome = await setDraining(tx, id as NodeId, wanted) // compared only
          if (outcome === 'absent') throw noNode(id)
          return outcome === 'changed' ? tx.bump() : undefined
        })
        const snapshotVersion = version ?? (await snapshots.current()).version
        return { status: 200, body: { snapshotVersion } }
      },
    ),
  )
  return [drain, undrain].flatMap(each => each ?? [])
}

function peoplesRoutes({ joins, database, acknowledgements }: Services): Route[] {
  return [
    route(
      {
        method: 'POST',
        path: '/v1/nodes/tokens',
        access: ADMIN,
        summary: 'Make a token that lets one machine join, once',
        body: NewJoinToken,
        answers: { 201: JoinToken },
      },
      async ({ body }) => ({ status: 201, body: await joins.token(body as NewJoinToken) }), // a union made by map loses its literals
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/nodes/:id',
        access: ADMIN,
        summary: 'Remove a node that joined, or one whose Sluice is gone: from now on nobody believes it',
        params: ById,
        answers: { 204: null },
      },
      async ({ params: { id } }) => {
        const node = id as NodeId // compared only
        const state = acknowledgements.isGone(node) ? 'gone' : 'here'
        const outcome = await database.transaction(tx => removeNode(tx, node, state))
        if (outcome === 'removed') return { status: 204 }
        throw outcome === 'absent' ? noNode(id) : ownNode(id)
      },
    ),
  ]
}

function nodesRoutes({ joins, database, authority }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/node/authority',
        access: { kind: 'public' },
        summary: 'The certificate of the authority, for who knows its fingerprint',
        answers: { 200: Type.Object({ authority: Type.String() }) },
      },
      async () => ({ status: 200, body: { authority: (await authority()).certificate } }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/join',
        access: { kind: 'public' },
        summary: 'Exchange a join token for a place among the nodes',
        body: JoinRequest,
        answers: { 200: JoinAnswer },
      },
      async ({ body, headers }) => {
        const version = headers[VERSION_FIELD]
        const software = typeof version === 'string' ? version : undefined
        return { status: 200, body: await joins.join(body, software) }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/certificate',
        access: { kind: 'node', roles: JOINED },
        summary: 'A certificate for a node, and where it is reached from now on',
        body: CertificateRenewal,
        answers: { 200: NodeCertificate },
      },
      async ({ body: { request, url }, node }) => {
        const made = await (await authority()).certify(asker(node), request)
        await database.transaction(async tx => {
          await moveNode(tx, asker(node), url)
          await addEvent(tx, { type: 'certificate.renewed', subject: asker(node) })
        })
        return { status: 200, body: made }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/node/storage',
        access: { kind: 'node', roles: ['origin'] },
        summary: 'Whether an origin has the storage that control has; 409 where it has not',
        body: StorageQuestion,
        answers: { 204: null },
      },
      async ({ body: { storage } }) => {
        await joins.checkStorage(storage)
        return { status: 204 }
      },
    ),
  ]
}

function noNode(id: string): SluiceError {
  return new SluiceError('not-found', `there is no node ${id}: "sluice nodes" names them`, {
    side: 'operator',
    kind: 'not-found',
  })
}

function ownNode(id: string): SluiceError {
  return new SluiceError(
    'local-node',
    `${id} belongs to a whole Sluice ("sluice up") and goes with it: end that one; it can be removed here five minutes later`,
    { side: 'operator', kind: 'conflict' },
  )
}
