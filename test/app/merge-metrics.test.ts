import { expect, test } from 'vitest'
import { mergeMetrics } from '../../src/app/merge-metrics.ts'

test('samples of one metric stand together below one heading', () => {
  const edge =
    '# HELP a_total A.\n# TYPE a_total counter\na_total{role="edge"} 1\n\n# HELP h H.\n# TYPE h histogram\nh_bucket{le="1",role="edge"} 2\nh_sum{role="edge"} 3\n'
  const origin = '# HELP a_total A.\n# TYPE a_total counter\na_total{role="origin"} 4\n'
  expect(mergeMetrics([edge, origin])).toBe(
    '# HELP a_total A.\n# TYPE a_total counter\na_total{role="edge"} 1\na_total{role="origin"} 4\n' +
      '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1",role="edge"} 2\nh_sum{role="edge"} 3\n',
  )
})
