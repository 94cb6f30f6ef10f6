import { Type } from '../../core/index.ts'
import {
  AppliedFile,
  Changed,
  ChangedDistribution,
  DistributionInfo,
  InvalidationInfo,
  NewInvalidation,
} from '../../client/index.ts'
import { DistributionInput } from '../../distribution/index.ts'
import {
  createDistribution,
  listDistributionInfos,
  noDistribution,
  removeDistribution,
  replaceDistribution,
} from '../distributions.ts'
import { applyFile } from '../file-distributions.ts'
import { invalidate } from '../invalidate.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ById } from './shapes.ts'

const ADMIN = { kind: 'token', scope: 'admin' } as const

export function distributionRoutes({ database, domainSuffix }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/distributions',
        access: { kind: 'token', scope: 'read' },
        summary: 'Distributions with their behaviours',
        answers: { 200: Type.Object({ distributions: Type.Array(DistributionInfo) }) },
      },
      async () => ({ status: 200, body: { distributions: await database.read(listDistributionInfos) } }),
    ),
    route(
      {
        method: 'GET',
        path: '/v1/distributions/:id',
        access: { kind: 'token', scope: 'read' },
        summary: 'One distribution',
        params: ById,
        answers: { 200: DistributionInfo },
      },
      async ({ params: { id } }) => {
        const found = (await database.read(listDistributionInfos)).find(each => each.id === id)
        if (!found) throw noDistribution(id)
        return { status: 200, body: found }
      },
    ),
    route(
      {
        method: 'POST',
        path: '/v1/distributions',
        access: ADMIN,
        summary: 'Make a distribution; everything but an origin has a default',
        body: DistributionInput,
        answers: { 201: ChangedDistribution },
      },
      async ({ body }) => ({
        status: 201,
        body: await database.transaction(tx => createDistribution(tx, body, domainSuffix)),
      }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/distributions/:id',
        access: ADMIN,
        summary: 'Put another definition in the place of a distribution; null header values stay as stored',
        params: ById,
        body: DistributionInput,
        answers: { 200: ChangedDistribution },
      },
      async ({ params: { id }, body }) => ({
        status: 200,
        body: await database.transaction(tx => replaceDistribution(tx, id, body)),
      }),
    ),
    route(
      {
        method: 'PUT',
        path: '/v1/file/distributions',
        access: ADMIN,
        summary:
          'Make the distributions of a configuration file what it says, by their names there; those that it says no more are disabled',
        body: Type.Object({ distributions: Type.Record(Type.String(), DistributionInput) }),
        answers: { 200: AppliedFile },
      },
      async ({ body }) => ({
        status: 200,
        body: await database.transaction(tx => applyFile(tx, body.distributions, domainSuffix)),
      }),
    ),
    route(
      {
        method: 'DELETE',
        path: '/v1/distributions/:id',
        access: ADMIN,
        summary: 'Delete a distribution; 409 while it is enabled',
        params: ById,
        answers: { 200: Changed },
      },
      async ({ params: { id } }) => ({
        status: 200,
        body: { snapshotVersion: await database.transaction(tx => removeDistribution(tx, id)) },
      }),
    ),
    route(
      {
        method: 'POST',
        path: '/v1/invalidations',
        access: { kind: 'token', scope: 'purge' },
        summary:
          'Let no edge serve what it stored of these paths before now; without distributionId, in every distribution',
        body: NewInvalidation,
        answers: { 201: InvalidationInfo },
      },
      async ({ body }) => ({ status: 201, body: await database.transaction(tx => invalidate(tx, body)) }),
    ),
  ]
}
