import { Type } from '../../core/index.ts'
import { Changed, ChangedPolicy, PolicyInfo } from '../../client/index.ts'
import { PolicyInput } from '../../distribution/index.ts'
import { createPolicy, findPolicy, listPolicyInfos, removePolicy, replacePolicy } from '../policies.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ByIdOrName } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const
const READ = { kind: 'token', scope: 'read' } as const

/** Parts of behaviours under a name. */
export function policyRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/policies',
        access: READ,
        summary: 'Policies that behaviours may name, the managed ones first',
        answers: { 200: Type.Object({ policies: Type.Array(PolicyInfo) }) },
      },
      async () => ({ status: 200, body: { policies: await database.read(listPolicyInfos) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/policies/:id',
        access: READ,
        summary: 'One policy, by id, or by a name that it alone has',
        params: ByIdOrName,
        answers: { 200: PolicyInfo },
      },
      async ({ params: { id } }) => ({ status: 200, body: await database.read(tx => findPolicy(tx, id)) }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/policies',
        access: ADMIN,
        summary: 'Make a policy; behaviours follow it when they name it',
        // Unsafe, since the type of what it says is told apart by its kind.
        body: Type.Unsafe<PolicyInput>(PolicyInput),
        answers: { 201: ChangedPolicy },
      },
      async ({ body }) => ({ status: 201, body: await database.transaction(tx => createPolicy(tx, body)) }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/policies/:id',
        access: ADMIN,
        summary:
          'Put another definition in the place of a policy; the behaviours that name it follow at once',
        params: ByIdOrName,
        body: Type.Unsafe<PolicyInput>(PolicyInput),
        answers: { 200: ChangedPolicy },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => replacePolicy(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/policies/:id',
        access: ADMIN,
        summary: 'Delete a policy; 409 while a behaviour names it',
        params: ByIdOrName,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removePolicy(tx, id)) },
      }),
    ),
  ]
}
