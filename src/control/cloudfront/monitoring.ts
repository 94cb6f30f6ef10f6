import { deleteDocument, findDocument, saveDocument, type Database } from '../database/index.ts'
import { checkDistribution } from './distributions.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'

interface Subscription {
  RealtimeMetricsSubscriptionConfig?: { RealtimeMetricsSubscriptionStatus?: string }
}

interface OfDistribution {
  DistributionId: string
}

/** Kept, so that tools find what they have set: metrics are at each machine's admin port, for all distributions. */
export function monitoringOperations(database: Database): Handlers {
  const create: Handler<OfDistribution & { MonitoringSubscription: Subscription }> = (input, context) =>
    database.transaction(async tx => {
      const id = await checkDistribution(tx, input.DistributionId)
      const config = input.MonitoringSubscription
      const status = config.RealtimeMetricsSubscriptionConfig?.RealtimeMetricsSubscriptionStatus
      if (status !== 'Enabled' && status !== 'Disabled')
        throw new CloudFrontError(
          'InvalidArgument',
          'RealtimeMetricsSubscriptionStatus is Enabled or Disabled',
        )
      if (await findDocument(tx, 'MonitoringSubscription', id))
        throw new CloudFrontError('MonitoringSubscriptionAlreadyExists', `${id} has one already`)
      await saveDocument(tx, { kind: 'MonitoringSubscription', id, config })
      context.notice('MonitoringSubscription: kept; metrics are at the admin port, /metrics')
      return { MonitoringSubscription: config }
    })
  const get: Handler<OfDistribution> = ({ DistributionId: asked }) =>
    database.read(async tx => {
      const id = await checkDistribution(tx, asked)
      return { MonitoringSubscription: (await found(tx, id)).config }
    })
  const remove: Handler<OfDistribution> = ({ DistributionId: asked }) =>
    database.transaction(async tx => {
      const id = await checkDistribution(tx, asked)
      await found(tx, id)
      await deleteDocument(tx, 'MonitoringSubscription', id)
      return {}
    })
  return {
    CreateMonitoringSubscription: create,
    GetMonitoringSubscription: get,
    DeleteMonitoringSubscription: remove,
  }
}

async function found(
  tx: Parameters<typeof findDocument>[0],
  id: string,
): Promise<NonNullable<Awaited<ReturnType<typeof findDocument>>>> {
  const document = await findDocument(tx, 'MonitoringSubscription', id)
  if (document) return document
  throw new CloudFrontError('NoSuchMonitoringSubscription', `${id} has no monitoring subscription`)
}
