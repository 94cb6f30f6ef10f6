import type { Behaviour } from '../../distribution/index.ts'
import { keyGroupsWithKeys, type Tx } from '../database/index.ts'
import type { Services } from '../services.ts'
import { deployments } from './deployment.ts'
import { knownOf, listOf } from './distributions.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { cachePolicies, originRequestPolicies, responseHeadersPolicies } from './policies.ts'

type Naming = (behaviour: Behaviour, id: string) => boolean

/** Which distributions name something, by id. */
export function distributionsByOperations(services: Services): Handlers {
  const by =
    (
      member: string,
      names: Naming,
      check: (tx: Tx, id: string) => Promise<void>,
    ): Handler<PageAsked & object> =>
    (input, context) =>
      services.database.read(async tx => {
        const id = (input as Record<string, string>)[member] ?? '' // of its path
        await check(tx, id)
        const all = (await knownOf(tx, context)).filter(({ distribution }) =>
          distribution.behaviours.some(each => names(each, id)),
        )
        const { items, page } = pageOf(all, each => each.distribution.id, input)
        const ids = items.map(each => each.distribution.id)
        return { DistributionIdList: withItems(page, ids) }
      })
  const among =
    (kind: { all(tx: Tx): Promise<{ id: string }[]>; errors: { missing: string } }) =>
    async (tx: Tx, id: string): Promise<void> => {
      if (!(await kind.all(tx)).some(each => each.id === id))
        throw new CloudFrontError(kind.errors.missing, `there is no policy ${id.slice(0, 80)}`)
    }
  return {
    ListDistributionsByCachePolicyId: by(
      'CachePolicyId',
      ({ policies }, id) => policies?.cache === id,
      among(cachePolicies),
    ),
    ListDistributionsByOriginRequestPolicyId: by(
      'OriginRequestPolicyId',
      ({ policies }, id) => policies?.originRequest === id,
      among(originRequestPolicies),
    ),
    ListDistributionsByResponseHeadersPolicyId: by(
      'ResponseHeadersPolicyId',
      ({ policies }, id) => policies?.responseHeaders === id,
      among(responseHeadersPolicies),
    ),
    ListDistributionsByKeyGroup: by(
      'KeyGroupId',
      ({ gate }, id) => gate?.keyGroups.some(each => each === id) === true,
      async (tx, id) => {
        if (!(await keyGroupsWithKeys(tx)).some(each => each.id === id))
          throw new CloudFrontError('NoSuchResource', `there is no key group ${id.slice(0, 80)}`)
      },
    ),
    ListDistributionsByWebACLId: byWebAcl(services),
  }
}

/** No distribution has one, so `null` names all of them. */
function byWebAcl(services: Services): Handler<PageAsked & { WebACLId: string }> {
  return async (input, context) => {
    const deployed = await deployments(services)
    return services.database.read(async tx => {
      const all = input.WebACLId === 'null' ? await knownOf(tx, context) : []
      return { DistributionList: await listOf(tx, all, input, deployed) }
    })
  }
}
