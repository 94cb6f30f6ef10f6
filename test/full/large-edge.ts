import { EdgeBench } from '../delivery/edge-bench.ts'
import { snapshotWith } from '../delivery/foreign-origin.ts'
import { DEFAULT_WIRE } from '../../src/distribution/index.ts'

/** An edge in a process of its own, so that what it takes can be told apart; it tells where it listens, then its memory. */
const [url = ''] = process.argv.slice(2)
const bench = await EdgeBench.start((_request, response) => response.end(), {
  allowOrigins: ['127.0.0.0/8'],
  snapshot: snapshotWith(
    [{ id: 'site', kind: 'http', url, headers: [], ...DEFAULT_WIRE }],
    [{ pattern: '*' }],
  ),
})
process.send?.({ url: bench.url })
setInterval(() => process.send?.({ rss: process.memoryUsage().rss }, () => {}), 250)
process.on('disconnect', () => process.exit())
