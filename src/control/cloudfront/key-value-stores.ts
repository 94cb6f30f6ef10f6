import { listFunctions, listStores, type StoredStore, type Tx } from '../database/index.ts'
import type { Services } from '../services.ts'
import { changeStore, createStore, MOST_STORES, readersOf, removeStore } from '../stores.ts'
import { arnOf } from './arn.ts'
import { etagOf } from './etag.ts'
import { checkComment } from './names.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'
import { pageOf, withItems, type PageAsked } from './pages.ts'
import { checkIfMatch } from './precondition.ts'

interface Asked {
  Name: string
  IfMatch?: string
  Comment?: string
  ImportSource?: object
}

const NAME = /^[A-Za-z0-9_-]{1,64}$/

/** Key value stores. What is in them is another service's in AWS; here it is `sluice stores` and `/v1/stores`. */
export function keyValueStoreOperations({ database }: Services): Handlers {
  const create: Handler<Asked> = ({ Name, Comment = '', ImportSource: source }) => {
    if (!NAME.test(Name))
      throw new CloudFrontError('InvalidArgument', 'Name is 1 to 64 letters, digits, dashes and underscores')
    checkComment(Comment)
    if (source !== undefined)
      throw new CloudFrontError(
        'UnsupportedOperation',
        'ImportSource: nothing is imported from S3 here: sluice stores create NAME --file FILE takes the items of a file',
      )
    return database.transaction(async tx => {
      const all = await listStores(tx)
      if (all.length >= MOST_STORES)
        throw new CloudFrontError('EntityLimitExceeded', `there are ${MOST_STORES} already: delete one first`)
      if (all.some(({ name }) => name === Name))
        throw new CloudFrontError('EntityAlreadyExists', `there is a key value store "${Name}" already`)
      const made = await createStore(tx, { name: Name, comment: Comment })
      return { ...described(made), Location: `/2020-05-31/key-value-store/${Name}` }
    })
  }
  const describe: Handler<Asked> = ({ Name }) => database.read(async tx => described(await find(tx, Name)))
  const update: Handler<Asked> = ({ Name, Comment = '', IfMatch }) =>
    database.transaction(async tx => {
      checkComment(Comment)
      checkIfMatch(IfMatch, tagOf(await find(tx, Name)))
      await changeStore(tx, Name, { comment: Comment })
      return described(await find(tx, Name))
    })
  const remove: Handler<Asked> = ({ Name, IfMatch }) =>
    database.transaction(async tx => {
      const store = await find(tx, Name)
      checkIfMatch(IfMatch, tagOf(store))
      const [user] = readersOf(store.id, await listFunctions(tx))
      if (user !== undefined)
        throw new CloudFrontError('CannotDeleteEntityWhileInUse', `the function ${user} reads it`)
      await removeStore(tx, store.id)
    })
  const list: Handler<PageAsked & { Status?: string }> = input =>
    database.read(async tx => {
      const ready = input.Status === undefined || input.Status === '' || input.Status === 'READY'
      const { items, page } = pageOf(ready ? await listStores(tx) : [], each => each.name, input)
      return { KeyValueStoreList: withItems(page, items.map(shown)) }
    })
  return {
    CreateKeyValueStore: create,
    DescribeKeyValueStore: describe,
    UpdateKeyValueStore: update,
    DeleteKeyValueStore: remove,
    ListKeyValueStores: list,
  }
}

async function find(tx: Tx, name: string): Promise<StoredStore> {
  const found = (await listStores(tx)).find(each => each.name === name)
  if (found) return found
  throw new CloudFrontError('EntityNotFound', `there is no key value store ${name.slice(0, 80)}`)
}

function described(store: StoredStore): object {
  return { KeyValueStore: shown(store), ETag: tagOf(store) }
}

function shown({ id, name, comment, modifiedAt }: StoredStore): object {
  return {
    ...{ Name: name, Id: id, Comment: comment, ARN: arnOf('key-value-store', id) },
    // Whoever asks has been answered: it is there.
    Status: 'READY',
    LastModifiedTime: new Date(modifiedAt),
  }
}

function tagOf({ id, revision }: StoredStore): string {
  return etagOf('KeyValueStore', id, revision)
}
