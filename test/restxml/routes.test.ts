import { expect, test } from 'vitest'
import { findRoute, readQuery, routeTable } from '../../src/restxml/index.ts'
import { MODEL } from './cloudfront.ts'

const TABLE = routeTable(MODEL)
const find = (method: string, target: string): string | undefined => {
  const [path = '', query = ''] = target.split('?')
  const found = findRoute(TABLE, method, path, readQuery(query))
  return found && `${found.name} ${JSON.stringify(found.labels)}`
}

test.each([
  ['POST', '/2020-05-31/distribution', 'CreateDistribution {}'],
  ['POST', '/2020-05-31/distribution?WithTags', 'CreateDistributionWithTags {}'],
  ['POST', '/2020-05-31/distribution?WithTags=', 'CreateDistributionWithTags {}'],
  ['GET', '/2020-05-31/distribution?Marker=a', 'ListDistributions {}'],
  ['GET', '/2020-05-31/distribution/E1', 'GetDistribution {"Id":"E1"}'],
  ['PUT', '/2020-05-31/distribution/E1/config', 'UpdateDistribution {"Id":"E1"}'],
  ['GET', '/2020-05-31/distribution/E1/invalidation/I1', 'GetInvalidation {"DistributionId":"E1","Id":"I1"}'],
  ['POST', '/2020-05-31/tagging?Operation=Tag&Resource=a', 'TagResource {}'],
  ['POST', '/2020-05-31/tagging?Resource=a&Operation=Untag', 'UntagResource {}'],
  ['GET', '/2020-05-31/tagging?Resource=a', 'ListTagsForResource {}'],
  ['GET', '/2020-05-31/function/a%2Fb%20c', 'GetFunction {"Name":"a/b c"}'],
  ['POST', '/2020-05-31/tagging', undefined],
  ['POST', '/2020-05-31/tagging?Operation=Paint', undefined],
  ['PATCH', '/2020-05-31/distribution', undefined],
  ['GET', '/2020-05-31/distribution/', undefined],
  ['GET', '/2020-05-31/distribution/E1/', undefined],
  ['GET', '/2019-03-26/distribution', undefined],
  ['GET', '/', undefined],
  ['GET', '', undefined],
])('%s %s is %s', (method, target, found) => {
  expect(find(method, target)).toBe(found)
})

test('every operation of the model is found at its own address', () => {
  const missed = Object.entries(MODEL.operations).filter(([name, { method, uri }]) => {
    const target = uri.replace(/\{(\w+)\}/g, 'x-$1')
    return find(method, target)?.split(' ')[0] !== name
  })
  expect(missed).toEqual([])
})

test('a query is read into its pairs', () => {
  expect(readQuery('a=1&b&&c=&d=e=f&g%20h=%2B+')).toEqual([
    ['a', '1'],
    ['b', ''],
    ['c', ''],
    ['d', 'e=f'],
    ['g h', '+ '],
  ])
})
