import type { StoreId } from '../../core/index.ts'
import type { Distribution } from '../../distribution/index.ts'
import {
  findBlob,
  listDistributions,
  listFunctions,
  listStores,
  readMeta,
  type FunctionStage,
  type StoredFunction,
  type Tx,
} from '../database/index.ts'
import {
  createFunction,
  MOST_FUNCTIONS,
  publishFunction,
  removeFunction,
  stageOf,
  updateFunction,
  usersOf,
} from '../functions.ts'
import type { Services } from '../services.ts'
import { arnOf } from './arn.ts'
import { deployments, type Deployed } from './deployment.ts'
import { etagOf } from './etag.ts'
import { itemsOf, listed } from './lists.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'
import { checkComment } from './names.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { checkIfMatch } from './precondition.ts'
import type { FunctionConfig } from './shapes.ts'
import { testFunction } from './test-function.ts'

type Stage = 'DEVELOPMENT' | 'LIVE'
type Runtime = 'cloudfront-js-1.0' | 'cloudfront-js-2.0'

const LARGEST = 10_240

interface Code {
  Name: string
  IfMatch?: string
  FunctionConfig: FunctionConfig
  FunctionCode: Uint8Array
}

interface Asked {
  Name: string
  Stage?: string
  IfMatch?: string
}

/** CloudFront Functions: those of its two runtimes, which are functions of ours like all others. */
export function functionOperations(services: Services): Handlers {
  const { database, trials } = services
  const create: Handler<Code> = async input => {
    const written = readCode(input)
    await trials.check(input.Name, written.runtime, written.code)
    const deployed = await deployments(services)
    return database.transaction(async tx => {
      const all = await listFunctions(tx)
      if (all.length >= MOST_FUNCTIONS)
        throw new CloudFrontError('TooManyFunctions', `there are ${MOST_FUNCTIONS} already: delete one first`)
      if (all.some(({ name }) => name === input.Name))
        throw new CloudFrontError('FunctionAlreadyExists', `there is a function "${input.Name}" already`)
      const made = await createFunction(tx, { name: input.Name, ...written, store: await storeOf(tx, input) })
      return {
        ...(await described(tx, made, 'DEVELOPMENT', deployed)),
        Location: `/2020-05-31/function/${input.Name}`,
      }
    })
  }
  const update: Handler<Code> = async input => {
    const written = readCode(input)
    await trials.check(input.Name, written.runtime, written.code)
    const deployed = await deployments(services)
    return database.transaction(async tx => {
      const before = await find(tx, input.Name)
      checkIfMatch(input.IfMatch, tagOf(before, 'DEVELOPMENT'))
      const made = await updateFunction(tx, input.Name, { ...written, store: await storeOf(tx, input) })
      return described(tx, made, 'DEVELOPMENT', deployed)
    })
  }
  const publish: Handler<Asked> = async ({ Name, IfMatch }) => {
    const deployed = await deployments(services)
    return database.transaction(async tx => {
      checkIfMatch(IfMatch, tagOf(await find(tx, Name), 'DEVELOPMENT'))
      const { stored } = await publishFunction(tx, Name)
      return described(tx, stored, 'LIVE', deployed)
    })
  }
  const remove: Handler<Asked> = ({ Name, IfMatch }) =>
    database.transaction(async tx => {
      checkIfMatch(IfMatch, tagOf(await find(tx, Name), 'DEVELOPMENT'))
      const [user] = usersOf(Name, await listDistributions(tx))
      if (user)
        throw new CloudFrontError(
          'FunctionInUse',
          `the behaviour "${user.pattern}" of ${user.distribution} runs it: take it out there first`,
        )
      await removeFunction(tx, Name)
    })
  const describe: Handler<Asked> = async ({ Name, Stage }) => {
    const deployed = await deployments(services)
    return database.read(async tx => described(tx, await find(tx, Name), stageName(Stage), deployed))
  }
  const get: Handler<Asked> = ({ Name, Stage }) =>
    database.read(async tx => {
      const stored = await find(tx, Name)
      const stage = stageName(Stage)
      return {
        FunctionCode: Buffer.from((await findBlob(tx, at(stored, stage).code.sha256)) ?? []),
        ETag: tagOf(stored, stage),
        ContentType: 'application/octet-stream',
      }
    })
  return {
    CreateFunction: create,
    UpdateFunction: update,
    PublishFunction: publish,
    DeleteFunction: remove,
    DescribeFunction: describe,
    GetFunction: get,
    ListFunctions: listing(services),
    TestFunction: testFunction(services, { find, at, tagOf, stageName, summaryOf: summarised }),
  }
}

function listing(services: Services): Handler<PageAsked & { Stage?: string }> {
  return async input => {
    const deployed = await deployments(services)
    return services.database.read(async tx => {
      const wanted = input.Stage === undefined ? undefined : stageName(input.Stage)
      const all = (await listFunctions(tx)).filter(
        each => isCloudFronts(each) && (wanted !== 'LIVE' || each.live !== undefined),
      )
      const { items, page } = pageOf(all, each => each.name, input)
      const around = await aroundOf(tx, deployed)
      const summaries = items.map(each => summaryOf(each, wanted ?? 'DEVELOPMENT', around))
      return { FunctionList: withItems(page, summaries) }
    })
  }
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/

function readCode({ Name, FunctionConfig: config, FunctionCode: code }: Code): {
  runtime: Runtime
  comment: string
  code: string
} {
  if (!NAME.test(Name))
    throw new CloudFrontError('InvalidArgument', 'Name is 1 to 64 letters, digits, dashes and underscores')
  if (code.length > LARGEST)
    throw new CloudFrontError('FunctionSizeLimitExceeded', `the code has ${LARGEST} bytes at most`)
  if (code.length === 0) throw new CloudFrontError('InvalidArgument', 'FunctionCode is empty')
  const { Runtime: runtime, Comment: comment = '' } = config
  checkComment(comment)
  if (runtime !== 'cloudfront-js-1.0' && runtime !== 'cloudfront-js-2.0')
    throw new CloudFrontError('InvalidArgument', 'Runtime is cloudfront-js-1.0 or cloudfront-js-2.0')
  const text = Buffer.from(code).toString('utf8')
  if (!Buffer.from(text).equals(code))
    throw new CloudFrontError('InvalidArgument', 'FunctionCode is no text in UTF-8')
  return { runtime, comment, code: text }
}

/** One at most, as CloudFront has it. */
async function storeOf(tx: Tx, { FunctionConfig: config }: Code): Promise<StoreId | null> {
  const arns = itemsOf(config.KeyValueStoreAssociations).map(({ KeyValueStoreARN: arn = '' }) => arn)
  const [arn] = arns
  if (arn === undefined) return null
  if (arns.length > 1)
    throw new CloudFrontError('InvalidArgument', 'KeyValueStoreAssociations: a function reads one store')
  const found = (await listStores(tx)).find(({ id }) => arn === arnOf('key-value-store', id))
  if (found) return found.id
  throw new CloudFrontError('EntityNotFound', `there is no key value store ${arn.slice(0, 120)}`)
}

function stageName(text: string | undefined): Stage {
  const name = text === undefined || text === '' ? 'DEVELOPMENT' : text
  if (name === 'DEVELOPMENT' || name === 'LIVE') return name
  throw new CloudFrontError('InvalidArgument', 'Stage is DEVELOPMENT or LIVE')
}

function isCloudFronts({ development }: StoredFunction): boolean {
  return development.runtime.startsWith('cloudfront-js')
}

async function find(tx: Tx, name: string): Promise<StoredFunction> {
  const found = (await listFunctions(tx)).find(each => each.name === name && isCloudFronts(each))
  if (found) return found
  throw new CloudFrontError('NoSuchFunctionExists', `there is no function ${name.slice(0, 80)}`)
}

function at(stored: StoredFunction, stage: Stage): FunctionStage {
  if (stage === 'LIVE' && stored.live === undefined)
    throw new CloudFrontError('NoSuchFunctionExists', `the function ${stored.name} was not published`)
  return stageOf(stored, stage === 'LIVE' ? 'live' : 'development')
}

function tagOf(stored: StoredFunction, stage: Stage): string {
  const { code, revision } = at(stored, stage)
  return etagOf('Function', stored.name, stage, revision, code.sha256)
}

interface Around {
  distributions: Distribution[]
  deployed: boolean
}

async function aroundOf(tx: Tx, deployed: Deployed): Promise<Around> {
  const { version } = await readMeta(tx)
  return { distributions: await listDistributions(tx), deployed: deployed(version) }
}

async function described(tx: Tx, stored: StoredFunction, stage: Stage, deployed: Deployed): Promise<object> {
  return { FunctionSummary: await summarised(tx, stored, stage, deployed), ETag: tagOf(stored, stage) }
}

async function summarised(tx: Tx, stored: StoredFunction, stage: Stage, deployed: Deployed): Promise<object> {
  return summaryOf(stored, stage, await aroundOf(tx, deployed))
}

function summaryOf(stored: StoredFunction, stage: Stage, around: Around): object {
  const { runtime, comment, store, createdAt, modifiedAt } = at(stored, stage)
  const stores = store === null ? [] : [{ KeyValueStoreARN: arnOf('key-value-store', store) }]
  return {
    Name: stored.name,
    Status: statusOf(stored, stage, around),
    FunctionConfig: {
      Comment: comment,
      Runtime: runtime,
      ...(stores.length > 0 && { KeyValueStoreAssociations: listed(stores) }),
    },
    FunctionMetadata: {
      FunctionARN: arnOf('function', stored.name),
      Stage: stage,
      CreatedTime: new Date(createdAt),
      LastModifiedTime: new Date(modifiedAt),
    },
  }
}

/** Of what is written on since it was published, that it is not; else whether behaviours run it, and all nodes know. */
function statusOf(
  { name, development, live }: StoredFunction,
  stage: Stage,
  { distributions, deployed }: Around,
): string {
  if (stage === 'DEVELOPMENT' && live?.revision !== development.revision) return 'UNPUBLISHED'
  if (usersOf(name, distributions).length === 0) return 'UNASSOCIATED'
  return deployed ? 'DEPLOYED' : 'ASSOCIATED'
}
