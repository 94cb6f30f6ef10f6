import type { Database } from '../database/index.ts'
import { findDocument, listDistributions, saveTags, type Tx } from '../database/index.ts'
import { itemsOf } from './lists.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'
import type { Tags } from './shapes.ts'

const MOST_TAGS = 50

/** Of distributions, which are what CloudFront has tags for. They mean nothing here. */
export function tagOperations(database: Database): Handlers {
  const tag: Handler<{ Resource: string; Tags: Tags }> = ({ Resource, Tags: given }) =>
    database.transaction(async tx => {
      const { id, tags } = await tagsOf(tx, Resource)
      await saveTags(tx, 'Distribution', id, limited({ ...tags, ...readTags(given) }))
    })
  const untag: Handler<{ Resource: string; TagKeys: { Items?: string[] } }> = ({ Resource, TagKeys: keys }) =>
    database.transaction(async tx => {
      const { id, tags } = await tagsOf(tx, Resource)
      const gone = itemsOf(keys)
      const left = Object.entries(tags).filter(([key]) => !gone.includes(key))
      await saveTags(tx, 'Distribution', id, Object.fromEntries(left))
    })
  const list: Handler<{ Resource: string }> = ({ Resource }) =>
    database.read(async tx => {
      const { tags } = await tagsOf(tx, Resource)
      return { Tags: { Items: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) } }
    })
  return { TagResource: tag, UntagResource: untag, ListTagsForResource: list }
}

/** Throws for what CloudFront would not take either. */
export function readTags(given: Tags): Record<string, string> {
  const tags: Record<string, string> = {}
  for (const { Key: key = '', Value: value = '' } of itemsOf(given)) {
    if (key === '' || key.length > 128 || value.length > 256 || /^aws:/i.test(key))
      throw new CloudFrontError(
        'InvalidTagging',
        'a key has 1 to 128 characters and does not begin with aws:, a value has 256 at most',
      )
    if (Object.hasOwn(tags, key))
      throw new CloudFrontError('InvalidTagging', `the key "${key}" is given twice`)
    Object.defineProperty(tags, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return limited(tags)
}

function limited(tags: Record<string, string>): Record<string, string> {
  if (Object.keys(tags).length > MOST_TAGS)
    throw new CloudFrontError('InvalidTagging', `${MOST_TAGS} tags at most`)
  return tags
}

const ARN = /^arn:aws[a-z-]*:cloudfront::\d*:distribution\/([A-Z0-9]+)$/

async function tagsOf(tx: Tx, arn: string): Promise<{ id: string; tags: Record<string, string> }> {
  const [, id] = ARN.exec(arn) ?? []
  if (id === undefined)
    throw new CloudFrontError(
      'InvalidArgument',
      'tags are those of distributions: name one by its ARN, arn:aws:cloudfront::000000000000:distribution/ID',
    )
  if (!(await listDistributions(tx)).some(each => each.id === id))
    throw new CloudFrontError('NoSuchResource', `there is no distribution ${id}`)
  return { id, tags: (await findDocument(tx, 'Distribution', id))?.tags ?? {} }
}
