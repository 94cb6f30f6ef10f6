import { SluiceError, Type } from '../../core/index.ts'
import { DistributionInfo, InvalidationInfo, NewInvalidation } from '../../client/index.ts'
import { listDistributions, readMeta, type Tx } from '../database/index.ts'
import { invalidate } from '../invalidate.ts'
import { route, type Route } from '../route.ts'
import type { Services } from '../services.ts'
import { ById } from './shapes.ts'

export function distributionRoutes({ database }: Services): Route[] {
  return [
    route(
      {
        method: 'GET',
        path: '/v1/distributions',
        access: { kind: 'token', scope: 'read' },
        summary: 'Distributions with their behaviours',
        answers: { 200: Type.Object({ distributions: Type.Array(DistributionInfo) }) },
      },
      async () => ({ status: 200, body: { distributions: await database.read(infos) } }),
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
        const found = (await database.read(infos)).find(each => each.id === id)
        if (found) return { status: 200, body: found }
        const message = `there is no distribution ${id}: sluice distribution list names them`
        throw new SluiceError('not-found', message, { side: 'operator', kind: 'not-found' })
      },
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

async function infos(tx: Tx): Promise<DistributionInfo[]> {
  const { fallbackDistribution } = await readMeta(tx)
  return (await listDistributions(tx)).map(each => ({ ...each, fallback: each.id === fallbackDistribution }))
}
