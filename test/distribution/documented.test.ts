import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import type { DistributionId, IssuerId, KeyGroupId, OriginAccessId } from '../../src/core/index.ts'
import { reader } from '../../src/core/index.ts'
import { DistributionInput, settleDistribution } from '../../src/distribution/index.ts'

test('the distribution of the documentation is good, and uses every word', () => {
  const page = readFileSync(new URL('../../docs/DISTRIBUTIONS.md', import.meta.url), 'utf8')
  const shown: unknown = parse(/```yaml\n([^`]*)```/.exec(page)?.[1] ?? '')
  const input = reader(DistributionInput, 'the example')(shown)
  const settled = settleDistribution(input, {
    id: 'ENEW0000000001' as DistributionId, // a test's own
    domain: 'enew0000000001.cdn.localhost',
    before: undefined,
    others: [],
    keyGroups: [{ id: 'kg-1' as KeyGroupId, name: 'default' }], // a test's own
    issuers: [{ id: 'iss-1' as IssuerId, name: 'login' }], // a test's own
    originAccess: [{ id: 'EACCESS' as OriginAccessId, name: 'films' }], // a test's own
    policies: [],
  })
  expect(settled).toMatchObject({ kind: 'good', warnings: [] })
  const words = Object.keys(DistributionInput.properties).filter(
    word => !['id', 'domain', 'fallback', 'file', 'origin'].includes(word),
  )
  expect(Object.keys(input).sort()).toEqual(words.sort())
  const rules = DistributionInput.properties.behaviours.items.properties
  const used = new Set((input.behaviours ?? []).flatMap(each => Object.keys(each)))
  expect([...used].sort()).toEqual(Object.keys(rules).sort())
  const told = new Set((input.origins ?? []).flatMap(each => Object.keys(each)))
  expect([...told].sort()).toEqual(Object.keys(DistributionInput.properties.origins.items.properties).sort())
})
