import { expect, test } from 'vitest'
import { byWord, counter, createMetrics, histogram } from '../../src/telemetry/index.ts'

const pairs = counter('sluice_pairs_total', 'Pairs', {
  first: { of: 'letters', atMost: 2 },
  second: { of: 'letters', atMost: 2 },
  word: ['one', 'two'],
})

async function lines(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter(line => line.startsWith(name))
}

test('labels that grow come to an end together, and what is too much is summed as other', async () => {
  const metrics = createMetrics('edge')
  const count = metrics.counter(pairs)
  for (const [first, second] of ['ab', 'ac', 'bb', 'zz', 'ab'].map(each => [...each] as [string, string]))
    count({ first, second, word: 'one' })
  expect(await lines(metrics, 'sluice_pairs_total')).toEqual([
    'sluice_pairs_total{first="a",second="b",word="one",role="edge"} 2',
    'sluice_pairs_total{first="a",second="c",word="one",role="edge"} 1',
    'sluice_pairs_total{first="other",second="other",word="one",role="edge"} 2',
  ])
})

test('what is collected keeps its bounds from one scrape to the next', async () => {
  const metrics = createMetrics('edge')
  let letters = ['a', 'b', 'c']
  metrics.collected(
    counter('sluice_letters_total', 'Letters', { letter: { of: 'letters', atMost: 2 } }),
    () => letters.map(letter => [{ letter }, 1]),
  )
  const before = await lines(metrics, 'sluice_letters_total')
  letters = ['d', 'c', 'b', 'a']
  expect(before).toEqual([
    'sluice_letters_total{letter="a",role="edge"} 1',
    'sluice_letters_total{letter="b",role="edge"} 1',
    'sluice_letters_total{letter="other",role="edge"} 1',
  ])
  expect((await lines(metrics, 'sluice_letters_total')).sort()).toEqual([
    'sluice_letters_total{letter="a",role="edge"} 1',
    'sluice_letters_total{letter="b",role="edge"} 1',
    'sluice_letters_total{letter="other",role="edge"} 2',
  ])
})

test('a word that is on no list is other, in a histogram too', async () => {
  const metrics = createMetrics('edge')
  const observe = metrics.histogram(histogram('sluice_wait_seconds', 'Wait', [1], { word: ['one'] }))
  observe(0.5, { word: 'three' as 'one' }) // what the types keep out
  expect(await lines(metrics, 'sluice_wait_seconds_count')).toEqual([
    'sluice_wait_seconds_count{role="edge",word="other"} 1',
  ])
  expect(byWord('result', { a: 1, b: 2 })).toEqual([
    [{ result: 'a' }, 1],
    [{ result: 'b' }, 2],
  ])
})
