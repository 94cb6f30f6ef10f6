import type { DistributionId } from '../../core/index.ts'
import { listInvalidations } from '../database/index.ts'
import { invalidate } from '../invalidate.ts'
import type { Services } from '../services.ts'
import { deployments, type Deployed } from './deployment.ts'
import { checkDistribution } from './distributions.ts'
import { itemsOf, listed } from './lists.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'
import { inCloudFrontsWords } from './our-refusals.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import type { InvalidationBatch } from './shapes.ts'

const MOST_PATHS = 3_000

interface OfDistribution {
  DistributionId: string
}

type Recorded = Awaited<ReturnType<typeof listInvalidations>>[number]

/** Those of `sluice invalidate` and of publishing are among them. */
export function invalidationOperations(services: Services): Handlers {
  const { database } = services
  const create: Handler<OfDistribution & { InvalidationBatch: InvalidationBatch }> = async input => {
    const { DistributionId: asked, InvalidationBatch: batch } = input
    const paths = readPaths(batch)
    const { id, distributionId } = await database.transaction(async tx => {
      const distributionId = await checkDistribution(tx, asked)
      const reference = referenceOf(distributionId, batch.CallerReference ?? '')
      const words = { 'reference-used': 'InvalidationBatchAlreadyExists', 'bad-path': 'InvalidArgument' }
      const made = await inCloudFrontsWords(words, () => invalidate(tx, { distributionId, paths, reference }))
      return { id: made.id, distributionId }
    })
    return { ...(await one(services, distributionId, id)), Location: locationOf(distributionId, id) }
  }
  const get: Handler<OfDistribution & { Id: string }> = async ({ DistributionId: asked, Id }) =>
    one(services, await database.read(tx => checkDistribution(tx, asked)), Id)
  const list: Handler<OfDistribution & PageAsked> = async input => {
    const deployed = await deployments(services)
    return database.read(async tx => {
      const all = await listInvalidations(tx, await checkDistribution(tx, input.DistributionId))
      const { items, page } = pageOf(all, each => each.id, input)
      const summaries = items.map(each => ({
        Id: each.id,
        CreateTime: new Date(each.createdAt),
        Status: statusOf(each, deployed),
      }))
      return { InvalidationList: withItems(page, summaries) }
    })
  }
  return { CreateInvalidation: create, GetInvalidation: get, ListInvalidations: list }
}

function readPaths(batch: InvalidationBatch): string[] {
  const paths = itemsOf(batch.Paths)
  if (paths.length === 0)
    throw new CloudFrontError('InvalidArgument', 'there are no paths: name one at least')
  if (paths.length > MOST_PATHS)
    throw new CloudFrontError('TooManyInvalidationsInProgress', `${MOST_PATHS} paths at most at once`)
  const long = paths.find(path => path.length > 4_000)
  if (long !== undefined) throw new CloudFrontError('InvalidArgument', 'a path has 4,000 characters at most')
  if ((batch.CallerReference ?? '') === '')
    throw new CloudFrontError('InvalidArgument', 'the CallerReference is empty: name one')
  // As clients send them in requests, where people write them as they read them.
  return paths.map(path => path.replace(/[^\x21-\x7e]/gu, encodeURIComponent))
}

/** A reference is one distribution's, as CloudFront has it, and ours are everybody's. */
function referenceOf(id: DistributionId, reference: string): string {
  return `${id} ${reference}`
}

async function one(
  services: Pick<Services, 'database' | 'snapshots' | 'acknowledgements'>,
  distributionId: DistributionId,
  id: string,
): Promise<object> {
  const deployed = await deployments(services)
  const all = await services.database.read(tx => listInvalidations(tx, distributionId))
  const found = all.find(each => each.id === id)
  if (found === undefined)
    throw new CloudFrontError(
      'NoSuchInvalidation',
      `there is no invalidation ${id.slice(0, 80)} of ${distributionId}, or it is long ago`,
    )
  const prefix = `${distributionId} `
  const reference = found.reference?.startsWith(prefix)
    ? found.reference.slice(prefix.length)
    : found.reference
  return {
    Invalidation: {
      Id: found.id,
      Status: statusOf(found, deployed),
      CreateTime: new Date(found.createdAt),
      InvalidationBatch: { Paths: listed(found.paths), CallerReference: reference ?? found.id },
    },
  }
}

function statusOf({ snapshotVersion }: Recorded, deployed: Deployed): 'Completed' | 'InProgress' {
  return deployed(snapshotVersion) ? 'Completed' : 'InProgress'
}

function locationOf(distribution: DistributionId, id: string): string {
  return `/2020-05-31/distribution/${distribution}/invalidation/${id}`
}
