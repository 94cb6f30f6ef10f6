import type { Instant } from '../../core/index.ts'
import {
  deleteDocument,
  listDocuments,
  saveDocument,
  type Database,
  type StoredDocument,
  type Tx,
} from '../database/index.ts'
import { arnOf } from './arn.ts'
import { etagOf } from './etag.ts'
import { itemsOf } from './lists.ts'
import { refuseTwins } from './names.ts'
import { CloudFrontError, type Handler, type Handlers, type OperationContext } from './operation.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { checkIfMatch } from './precondition.ts'
import type { FunctionConfig } from './shapes.ts'

const MOST_FUNCTIONS = 100
const LARGEST = 10_240

type StageName = 'DEVELOPMENT' | 'LIVE'

/** One stage of a function: its code and what is said about it. */
interface Stage {
  config: FunctionConfig
  /** Base64. */
  code: string
  createdAt: number
  modifiedAt: number
  /** Counts its changes. */
  revision: number
}

interface Kept {
  development: Stage
  live?: Stage
}

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

/** Functions are kept, published and given back. They do not run yet, so no behaviour takes one. */
export function functionOperations(database: Database): Handlers {
  const create: Handler<Code> = (input, context) =>
    database.transaction(async tx => {
      const all = await listDocuments(tx, 'Function')
      if (all.size >= MOST_FUNCTIONS)
        throw new CloudFrontError('TooManyFunctions', `there are ${MOST_FUNCTIONS} already: delete one first`)
      checkCode(input)
      refuseTwins('FunctionAlreadyExists', { id: '', name: input.Name }, [...all.values()].map(nameOf))
      const development = stageOf(input, undefined, tx.now)
      await save(tx, input.Name, { development })
      told(context)
      return {
        ...described(input.Name, { development }, 'DEVELOPMENT'),
        Location: `/2020-05-31/function/${input.Name}`,
      }
    })
  const update: Handler<Code> = input =>
    database.transaction(async tx => {
      const kept = await find(tx, input.Name)
      checkIfMatch(input.IfMatch, tagOf(input.Name, 'DEVELOPMENT', kept.development))
      checkCode(input)
      const changed = { ...kept, development: stageOf(input, kept.development, tx.now) }
      await save(tx, input.Name, changed)
      return described(input.Name, changed, 'DEVELOPMENT')
    })
  const publish: Handler<Asked> = ({ Name, IfMatch }, context) =>
    database.transaction(async tx => {
      const kept = await find(tx, Name)
      checkIfMatch(IfMatch, tagOf(Name, 'DEVELOPMENT', kept.development))
      const live = { ...kept.development, createdAt: kept.live?.createdAt ?? tx.now, modifiedAt: tx.now }
      const changed = { ...kept, live }
      await save(tx, Name, changed)
      told(context)
      return described(Name, changed, 'LIVE')
    })
  const remove: Handler<Asked> = ({ Name, IfMatch }) =>
    database.transaction(async tx => {
      const kept = await find(tx, Name)
      checkIfMatch(IfMatch, tagOf(Name, 'DEVELOPMENT', kept.development))
      await deleteDocument(tx, 'Function', Name)
    })
  const describe: Handler<Asked> = ({ Name, Stage }) =>
    database.read(async tx => described(Name, await find(tx, Name), stageName(Stage)))
  const get: Handler<Asked> = ({ Name, Stage }) =>
    database.read(async tx => {
      const name = stageName(Stage)
      const stage = stageIn(await find(tx, Name), name, Name)
      return {
        FunctionCode: Buffer.from(stage.code, 'base64'),
        ETag: tagOf(Name, name, stage),
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
    ListFunctions: listing(database),
    TestFunction: () =>
      Promise.reject(new CloudFrontError('UnsupportedOperation', 'functions are kept and do not run yet')),
  }
}

function listing(database: Database): Handler<PageAsked & { Stage?: string }> {
  return input =>
    database.read(async tx => {
      const wanted = input.Stage === undefined ? undefined : stageName(input.Stage)
      const all = [...(await listDocuments(tx, 'Function')).values()].flatMap(({ id, config }) => {
        const kept = config as Kept // written as one
        return wanted === 'LIVE' && kept.live === undefined ? [] : [{ id, kept }]
      })
      const { items, page } = pageOf(all, each => each.id, input)
      const summaries = items.map(({ id, kept }) => summaryOf(id, kept, wanted ?? 'DEVELOPMENT'))
      return { FunctionList: withItems(page, summaries) }
    })
}

function told(context: OperationContext): void {
  context.notice('Function: kept; no behaviour takes it until functions run')
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/

function checkCode({ Name, FunctionConfig: config, FunctionCode: code }: Code): void {
  if (!NAME.test(Name))
    throw new CloudFrontError('InvalidArgument', 'Name is 1 to 64 letters, digits, dashes and underscores')
  if (code.length > LARGEST)
    throw new CloudFrontError('FunctionSizeLimitExceeded', `the code has ${LARGEST} bytes at most`)
  if (code.length === 0) throw new CloudFrontError('InvalidArgument', 'FunctionCode is empty')
  if (!['cloudfront-js-1.0', 'cloudfront-js-2.0'].includes(config.Runtime ?? ''))
    throw new CloudFrontError('InvalidArgument', 'Runtime is cloudfront-js-1.0 or cloudfront-js-2.0')
  if (itemsOf(config.KeyValueStoreAssociations).length > 0)
    throw new CloudFrontError('InvalidArgument', 'there are no key value stores: take them out')
}

function stageOf(input: Code, before: Stage | undefined, now: Instant): Stage {
  return {
    config: input.FunctionConfig,
    code: Buffer.from(input.FunctionCode).toString('base64'),
    createdAt: before?.createdAt ?? now,
    modifiedAt: now,
    revision: (before?.revision ?? 0) + 1,
  }
}

function stageName(text: string | undefined): StageName {
  const name = text === undefined || text === '' ? 'DEVELOPMENT' : text
  if (name === 'DEVELOPMENT' || name === 'LIVE') return name
  throw new CloudFrontError('InvalidArgument', 'Stage is DEVELOPMENT or LIVE')
}

async function save(tx: Tx, name: string, kept: Kept): Promise<void> {
  await saveDocument(tx, { kind: 'Function', id: name, name, config: kept })
}

async function find(tx: Tx, name: string): Promise<Kept> {
  const document = (await listDocuments(tx, 'Function')).get(name)
  if (document) return document.config as Kept // written as one
  throw new CloudFrontError('NoSuchFunctionExists', `there is no function ${name.slice(0, 80)}`)
}

function stageIn(kept: Kept, stage: StageName, name: string): Stage {
  const found = stage === 'LIVE' ? kept.live : kept.development
  if (found) return found
  throw new CloudFrontError('NoSuchFunctionExists', `the function ${name.slice(0, 80)} was not published`)
}

function tagOf(name: string, stage: StageName, { code, revision }: Stage): string {
  return etagOf('Function', name, stage, revision, code)
}

function described(name: string, kept: Kept, stage: StageName): object {
  return {
    FunctionSummary: summaryOf(name, kept, stage),
    ETag: tagOf(name, stage, stageIn(kept, stage, name)),
  }
}

function summaryOf(name: string, kept: Kept, stage: StageName): object {
  const { config, createdAt, modifiedAt, revision } = stageIn(kept, stage, name)
  const published = kept.live?.revision === revision
  return {
    Name: name,
    Status: published ? 'UNASSOCIATED' : 'UNPUBLISHED',
    FunctionConfig: config,
    FunctionMetadata: {
      FunctionARN: arnOf('function', name),
      Stage: stage,
      CreatedTime: new Date(createdAt),
      LastModifiedTime: new Date(modifiedAt),
    },
  }
}

function nameOf({ id }: StoredDocument): { id: string; name: string } {
  return { id, name: id }
}
