import type { Instant } from '../../core/index.ts'
import type { Database, DocumentKind, Tx } from '../database/index.ts'
import { etagOf } from './etag.ts'
import { Findings } from './findings.ts'
import { CloudFrontError, type Handler, type Handlers, type OperationContext } from './operation.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { checkIfMatch } from './precondition.ts'

/** One resource as CloudFront's API shows it. */
export interface Entity<C extends object> {
  id: string
  config: C
  created: Instant
  modified: Instant
  /** Counts changes through this API; with what is shown it makes the entity tag. */
  revision: number
  /** Members of the resource beside its id, its times and its config. */
  more?: object
}

/** What a kind of resource has of its own; all else is the same for each (`operationsOf`). */
export interface Kind<C extends object> {
  kind: DocumentKind
  /** Names of its operations, where they do not follow from the kind. */
  operations?: Partial<OperationNames>
  /** The member that holds what is sent: `KeyGroupConfig`. */
  configMember: string
  path: string
  errors: { missing: string; exists: string; tooMany: string }
  most: number
  /** Of operations that list: only those that are asked for. */
  listed?(entity: Entity<C>, input: object): boolean
  all(tx: Tx): Promise<Entity<C>[]>
  /** Makes it, and gives its id. What stands in the findings afterwards undoes it. */
  make(tx: Tx, config: C, found: Findings): Promise<string>
  change(tx: Tx, before: Entity<C>, config: C, found: Findings): Promise<void>
  /** Throws while it is used. */
  remove(tx: Tx, entity: Entity<C>): Promise<void>
}

interface OperationNames {
  create: string
  get: string
  getConfig: string
  update: string
  remove: string
  list: string
}

interface Asked {
  Id: string
  IfMatch?: string
}

/** Create, Get, GetConfig, Update, Delete and List of one kind: what CloudFront does alike for all of them. */
export function operationsOf<C extends object>(kind: Kind<C>, database: Database): Handlers {
  const names = namesOf(kind)
  const find = async (tx: Tx, id: string): Promise<Entity<C>> => {
    const found = (await kind.all(tx)).find(each => each.id === id)
    if (found) return found
    throw new CloudFrontError(kind.errors.missing, `there is no ${kind.kind} ${id}`)
  }
  const shown = async (tx: Tx, id: string): Promise<object> => {
    const entity = await find(tx, id)
    return { [kind.kind]: resourceOf(kind, entity), ETag: tagOf(kind, entity) }
  }
  const create: Handler<Record<string, C>> = (input, context) =>
    settled(context, found =>
      database.transaction(async tx => {
        const config = input[kind.configMember] as C // required by the model
        if ((await kind.all(tx)).length >= kind.most)
          throw new CloudFrontError(kind.errors.tooMany, `there are ${kind.most} already: delete one first`)
        const id = await kind.make(tx, config, found)
        refuseFound(found)
        return { ...(await shown(tx, id)), Location: `${kind.path}/${id}` }
      }),
    )
  const get: Handler<Asked> = ({ Id }) => database.read(tx => shown(tx, Id))
  const getConfig: Handler<Asked> = ({ Id }) =>
    database.read(async tx => {
      const entity = await find(tx, Id)
      return { [kind.configMember]: entity.config, ETag: tagOf(kind, entity) }
    })
  const update: Handler<Asked & Record<string, unknown>> = (input, context) =>
    settled(context, found =>
      database.transaction(async tx => {
        const entity = await find(tx, input.Id)
        checkIfMatch(input.IfMatch, tagOf(kind, entity))
        await kind.change(tx, entity, input[kind.configMember] as C, found) // required by the model
        refuseFound(found)
        return shown(tx, input.Id)
      }),
    )
  const remove: Handler<Asked> = ({ Id, IfMatch }) =>
    database.transaction(async tx => {
      const entity = await find(tx, Id)
      checkIfMatch(IfMatch, tagOf(kind, entity))
      await kind.remove(tx, entity)
    })
  const list: Handler<PageAsked & object> = input =>
    database.read(async tx => {
      const all = (await kind.all(tx)).filter(each => kind.listed?.(each, input) ?? true)
      const { items, page } = pageOf(all, each => each.id, input)
      return {
        [`${kind.kind}List`]: withItems(
          page,
          items.map(each => summaryOf(kind, each)),
        ),
      }
    })
  return {
    [names.create]: create,
    [names.get]: get,
    [names.getConfig]: getConfig,
    [names.update]: update,
    [names.remove]: remove,
    [names.list]: list,
  }
}

function namesOf({ kind, operations }: Pick<Kind<object>, 'kind' | 'operations'>): OperationNames {
  return {
    create: `Create${kind}`,
    get: `Get${kind}`,
    getConfig: `Get${kind}Config`,
    update: `Update${kind}`,
    remove: `Delete${kind}`,
    list: `List${kind.replace(/([^e])y$/, '$1ie')}s`,
    ...operations,
  }
}

/** Everything that any shape of the kind has; what is written takes the members that its shape names. */
function resourceOf<C extends object>(kind: Kind<C>, entity: Entity<C>): object {
  return {
    Id: entity.id,
    CreatedTime: new Date(entity.created),
    LastModifiedTime: new Date(entity.modified),
    [kind.configMember]: entity.config,
    ...entity.more,
  }
}

function summaryOf<C extends object>(kind: Kind<C>, entity: Entity<C>): object {
  const resource = resourceOf(kind, entity)
  return { ...entity.config, ...resource, [kind.kind]: resource }
}

function tagOf<C extends object>({ kind }: Kind<C>, { id, config, revision }: Entity<C>): string {
  return etagOf(kind, id, revision, config)
}

/** The findings' notices go to who asks, after it is done. */
export async function settled<T>(
  context: OperationContext,
  work: (found: Findings) => Promise<T>,
): Promise<T> {
  const found = new Findings()
  const result = await work(found)
  for (const notice of found.notices) context.notice(notice)
  return result
}

/** One error of all that is wrong, under the word for the first. */
export function refuseFound({ refusals }: Findings): void {
  const [first] = refusals
  if (first === undefined) return
  const told = refusals.slice(0, 8).map(({ message }) => message)
  throw new CloudFrontError(first.code, told.join('; '))
}
