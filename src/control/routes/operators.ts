import { SluiceError, Type } from '../../core/index.ts'
import { Acknowledgements, CreatedToken, NewToken, NodeInfo, TokenInfo } from '../../client/index.ts'
import { softwareVersion } from '../../membership/index.ts'
import { createToken } from '../access.ts'
import { deleteToken, listTokens } from '../database/index.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ById, WaitSeconds } from './shapes.ts'

export function operatorRoutes(services: Services): Route[] {
  return [...nodeListRoutes(services), ...tokenRoutes(services)]
}

function nodeListRoutes({ snapshots, acknowledgements, healths }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/nodes',
        access: { kind: 'token', scope: 'read' },
        summary: 'Nodes, what each has applied of the configuration, and how it does',
        answers: { 200: Type.Object({ nodes: Type.Array(NodeInfo) }) },
      },
      async () => {
        const { nodes } = await snapshots.current()
        const controlSoftware = softwareVersion()
        const infos = nodes.map((node): NodeInfo => ({
          ...acknowledgements.info(node),
          ...healths.info(node.id),
          controlSoftware,
        }))
        return { status: 200, body: { nodes: infos } }
      },
    ),
    route(
      {
        method: 'GET',
        path: '/v1/acknowledgements',
        access: { kind: 'token', scope: 'read' },
        summary: 'Which live nodes have a snapshot version; waits until all have, or for wait seconds',
        query: Type.Object({ version: Type.Integer({ minimum: 1 }), wait: Type.Optional(WaitSeconds) }),
        answers: { 200: Acknowledgements },
      },
      async ({ query: { version, wait }, signal }) => {
        const nodes = async () => (await snapshots.current()).nodes
        const span = (wait ?? 0) * 1000
        return { status: 200, body: await acknowledgements.of(version, nodes, { span, signal }) }
      },
    ),
  ]
}

function tokenRoutes({ database }: Services): Route[] {
  const access = { kind: 'token', scope: 'admin' } as const
  return [
    route(
      {
        method: 'POST',
        path: '/v1/tokens',
        access,
        summary: 'Make a token; it is told in this answer only',
        body: NewToken,
        answers: { 201: CreatedToken },
      },
      async ({ body }) => ({ status: 201, body: await createToken(database, body as NewToken) }), // a union made by map loses its literals
    ),
    route(
      {
        method: 'GET',
        path: '/v1/tokens',
        access,
        summary: 'Tokens and their scopes',
        answers: { 200: Type.Object({ tokens: Type.Array(TokenInfo) }) },
      },
      async () => ({ status: 200, body: { tokens: await database.read(listTokens) } }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/tokens/:id',
        access,
        summary: 'Believe a token no more',
        params: ById,
        answers: { 204: null },
      },
      async ({ params: { id } }) => {
        if ((await database.transaction(tx => deleteToken(tx, id))) === 'deleted') return { status: 204 }
        const message = `there is no token ${id}: sluice tokens list names them`
        throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
      },
    ),
  ]
}
