import { reader, type DistributionId } from '../../core/index.ts'
import { DistributionInput, type Distribution } from '../../distribution/index.ts'
import {
  distributionChanges,
  keyGroupsWithKeys,
  listDistributions,
  listDocuments,
  listInvalidations,
  listOriginAccess,
  saveDocument,
  type DistributionChange,
  type Tx,
} from '../database/index.ts'
import { createDistribution, removeDistribution, replaceDistribution } from '../distributions.ts'
import type { Services } from '../services.ts'
import { lendCredentials } from './access-credentials.ts'
import { arnOf } from './arn.ts'
import { deployments, type Deployed } from './deployment.ts'
import { keptDistribution, shownConfig, type KeptDistribution } from './distribution-document.ts'
import { checkEncryptions } from './encrypting-behaviours.ts'
import { etagOf } from './etag.ts'
import { refuseUnknownFunctions } from './function-associations.ts'
import { itemsOf, listed } from './lists.ts'
import { refuseTwins } from './names.ts'
import { CloudFrontError, type Handler, type Handlers, type OperationContext } from './operation.ts'
import { inCloudFrontsWords } from './our-refusals.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { checkIfMatch } from './precondition.ts'
import { behavioursOf, readDistributionConfig } from './read-distribution.ts'
import { refuseFound, settled } from './resource.ts'
import type { DistributionConfig, Tags } from './shapes.ts'
import { readTags } from './tags.ts'

const PATH = '/2020-05-31/distribution'

const WORDS = {
  'bad-distribution': 'InvalidArgument',
  'alias-taken': 'CNAMEAlreadyExists',
  'too-many': 'TooManyDistributions',
  'not-found': 'NoSuchDistribution',
  enabled: 'DistributionNotDisabled',
  fallback: 'ResourceInUse',
}

/** By the schema that everybody's input is checked with, for lengths and numbers. */
const checked: (input: unknown) => DistributionInput = reader(DistributionInput, 'the distribution')

interface Asked {
  Id: string
  IfMatch?: string
}

/** A distribution with what is known of it, as of one moment. */
export interface Known {
  distribution: Distribution
  change: DistributionChange
  config: () => DistributionConfig
}

export function distributionOperations(services: Services): Handlers {
  const { database } = services
  const get: Handler<Asked> = async ({ Id }, context) => {
    const deployed = await deployments(services)
    return database.read(async tx => answer(tx, await find(tx, Id, context), deployed))
  }
  const getConfig: Handler<Asked> = async ({ Id }, context) => {
    const found = await database.read(tx => find(tx, Id, context))
    return { DistributionConfig: found.config(), ETag: tagOf(found) }
  }
  const create: Handler<{ DistributionConfig: DistributionConfig }> = (input, context) =>
    make(services, context, input.DistributionConfig)
  const createWithTags: Handler<{
    DistributionConfigWithTags: { DistributionConfig: DistributionConfig; Tags: Tags }
  }> = ({ DistributionConfigWithTags: { DistributionConfig: config, Tags: tags } }, context) =>
    make(services, context, config, tags)
  const list: Handler<PageAsked> = async (input, context) => {
    const deployed = await deployments(services)
    return database.read(async tx => ({
      DistributionList: await listOf(tx, await knownOf(tx, context), input, deployed),
    }))
  }
  return {
    GetDistribution: get,
    GetDistributionConfig: getConfig,
    CreateDistribution: create,
    CreateDistributionWithTags: createWithTags,
    UpdateDistribution: updating(services),
    DeleteDistribution: deleting(services),
    ListDistributions: list,
  }
}

async function make(
  services: Services,
  context: OperationContext,
  config: DistributionConfig,
  tags?: Tags,
): Promise<object> {
  const deployed = await deployments(services)
  return settled(context, found =>
    services.database.transaction(async tx => {
      const { CallerReference: reference = '' } = config
      const documents = [...(await listDocuments(tx, 'Distribution')).values()]
      refuseTwins(
        'DistributionAlreadyExists',
        { id: '', reference },
        documents.map(each => ({ id: each.id, reference: each.reference ?? undefined })),
      )
      const input = readDistributionConfig(config, undefined, found)
      await lendCredentials(tx, accessesIn(config), found)
      refuseFound(found)
      await refuseStrangers(tx, config)
      await checkEncryptions(tx, behavioursOf(config), undefined)
      await refuseUnknownFunctions(tx, input.behaviours ?? [])
      const { distribution, warnings } = await inCloudFrontsWords(WORDS, () =>
        createDistribution(tx, checked(input), services.domainSuffix),
      )
      found.notices.push(...warnings)
      await keep(tx, distribution.id, config, tags && readTags(tags))
      const made = await find(tx, distribution.id, context)
      return { ...(await answer(tx, made, deployed)), Location: `${PATH}/${distribution.id}` }
    }),
  )
}

function updating(services: Services): Handler<Asked & { DistributionConfig: DistributionConfig }> {
  return async ({ Id, IfMatch, DistributionConfig: config }, context) => {
    const deployed = await deployments(services)
    return settled(context, found =>
      services.database.transaction(async tx => {
        const before = await find(tx, Id, context)
        checkIfMatch(IfMatch, tagOf(before))
        if (config.CallerReference !== before.config().CallerReference)
          throw new CloudFrontError(
            'IllegalUpdate',
            'the CallerReference of a distribution cannot be changed',
          )
        const { distribution } = before
        const input = readDistributionConfig(config, { distribution, shown: before.config() }, found)
        await lendCredentials(tx, accessesIn(config), found)
        refuseFound(found)
        await refuseStrangers(tx, config)
        await checkEncryptions(tx, behavioursOf(config), distribution.id)
        await refuseUnknownFunctions(tx, input.behaviours ?? [])
        const changed = await inCloudFrontsWords(WORDS, () => replaceDistribution(tx, Id, checked(input)))
        found.notices.push(...changed.warnings)
        await keep(tx, distribution.id, config)
        return answer(tx, await find(tx, Id, context), deployed)
      }),
    )
  }
}

function deleting({ database }: Services): Handler<Asked> {
  return ({ Id, IfMatch }, context) =>
    database.transaction(async tx => {
      const found = await find(tx, Id, context)
      checkIfMatch(IfMatch, tagOf(found))
      await inCloudFrontsWords(WORDS, () => removeDistribution(tx, Id))
    })
}

/** Beside what was made of it. */
async function keep(
  tx: Tx,
  id: DistributionId,
  config: DistributionConfig,
  tags?: Record<string, string>,
): Promise<void> {
  const made = (await listDistributions(tx)).find(each => each.id === id)
  if (made === undefined) throw new Error(`the distribution ${id} was not made`)
  const kept: KeptDistribution = keptDistribution(config, made)
  await saveDocument(tx, { kind: 'Distribution', id, reference: config.CallerReference, config: kept, tags })
}

/** CloudFront's own words for what is named and is not there; our sentences would come under another. */
async function refuseStrangers(tx: Tx, config: DistributionConfig): Promise<void> {
  const groups = await keyGroupsWithKeys(tx)
  const behaviours = [config.DefaultCacheBehavior, ...itemsOf(config.CacheBehaviors)]
  for (const group of behaviours.flatMap(each => itemsOf(each?.TrustedKeyGroups)))
    if (!groups.some(each => each.id === group))
      throw new CloudFrontError(
        'TrustedKeyGroupDoesNotExist',
        `there is no key group ${group.slice(0, 80)}: ListKeyGroups names them`,
      )
  const origins = [
    ...itemsOf(config.Origins).map(each => each.Id),
    ...itemsOf(config.OriginGroups).map(each => each.Id),
  ]
  for (const target of behaviours.flatMap(each => each?.TargetOriginId ?? []))
    if (!origins.includes(target))
      throw new CloudFrontError(
        'NoSuchOrigin',
        `the TargetOriginId "${target.slice(0, 128)}" is not among Origins`,
      )
}

function accessesIn(config: DistributionConfig): string[] {
  return itemsOf(config.Origins).flatMap(origin => [
    ...(origin.OriginAccessControlId ? [origin.OriginAccessControlId] : []),
    ...(origin.S3OriginConfig?.OriginAccessIdentity?.split('/').slice(-1).filter(Boolean) ?? []),
  ])
}

/** All distributions with their documents; values of secret headers for those who may set them. */
export async function knownOf(tx: Tx, { caller }: Pick<OperationContext, 'caller'>): Promise<Known[]> {
  const documents = await listDocuments(tx, 'Distribution')
  const changes = await distributionChanges(tx)
  const accesses = await listOriginAccess(tx)
  const kindOf = (id: string): 'control' | 'identity' =>
    accesses.find(each => each.id === id)?.kind ?? 'control'
  const secrets = caller.scopes.includes('admin') ? 'told' : 'untold'
  return (await listDistributions(tx)).flatMap(distribution => {
    const change = changes.get(distribution.id)
    const kept = documents.get(distribution.id)?.config as KeptDistribution | null | undefined // written as one
    const config = once(() => shownConfig(distribution, kept ?? undefined, kindOf, secrets))
    return change ? [{ distribution, change, config }] : []
  })
}

/** Of a thousand distributions most are not asked for. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

async function find(tx: Tx, id: string, context: OperationContext): Promise<Known> {
  const found = (await knownOf(tx, context)).find(({ distribution }) => distribution.id === id)
  if (found) return found
  throw new CloudFrontError('NoSuchDistribution', `there is no distribution ${id.slice(0, 80)}`)
}

/** Each change has a version of the snapshot, whoever made it and by which API. */
function tagOf({ distribution, change }: Known): string {
  return etagOf('Distribution', distribution.id, change.snapshotVersion)
}

async function answer(tx: Tx, found: Known, deployed: Deployed): Promise<object> {
  const [resource] = await resourcesOf(tx, [found], deployed)
  return { Distribution: resource, ETag: tagOf(found) }
}

/** As CloudFront shows them, of one moment. */
async function resourcesOf(tx: Tx, all: readonly Known[], deployed: Deployed): Promise<object[]> {
  const groups = await keyGroupsWithKeys(tx)
  const running = (await listInvalidations(tx)).filter(each => !deployed(each.snapshotVersion))
  return all.map(({ distribution, change, config }) => {
    const trusted = [...new Set(distribution.behaviours.flatMap(({ gate }) => gate?.keyGroups ?? []))]
    return {
      Id: distribution.id,
      ARN: arnOf('distribution', distribution.id),
      Status: deployed(change.snapshotVersion) ? 'Deployed' : 'InProgress',
      LastModifiedTime: new Date(change.modifiedAt),
      InProgressInvalidationBatches: running.filter(each => each.distributionIds.includes(distribution.id))
        .length,
      DomainName: distribution.domain,
      ActiveTrustedSigners: { Enabled: false, Quantity: 0 },
      ActiveTrustedKeyGroups: {
        Enabled: trusted.length > 0,
        ...listed(
          trusted.map(id => ({
            KeyGroupId: id,
            KeyPairIds: listed(groups.find(each => each.id === id)?.keys.map(key => key.id) ?? []),
          })),
        ),
      },
      DistributionConfig: config(),
    }
  })
}

/** A page of distributions; a summary has the members of its config and of itself in one. */
export async function listOf(
  tx: Tx,
  all: readonly Known[],
  asked: PageAsked,
  deployed: Deployed,
): Promise<object> {
  const { items, page } = pageOf(all, each => each.distribution.id, asked)
  const resources = await resourcesOf(tx, items, deployed)
  return withItems(
    page,
    items.map((each, at) => ({ ...each.config(), ...resources[at], ETag: tagOf(each) })),
  )
}

/** Throws for a distribution that there is not. */
export async function checkDistribution(tx: Tx, id: string): Promise<DistributionId> {
  const found = (await listDistributions(tx)).find(each => each.id === id)
  if (found) return found.id
  throw new CloudFrontError('NoSuchDistribution', `there is no distribution ${id.slice(0, 80)}`)
}
