import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock, Turnstile } from '../../src/core/index.ts'
import { createCounters } from '../../src/origin/counters.ts'
import { Library } from '../../src/origin/library.ts'
import { createLive } from '../../src/origin/live/live.ts'
import { Movies } from '../../src/origin/movies.ts'
import { Pointers } from '../../src/origin/pointers.ts'
import { startOriginServer } from '../../src/origin/server.ts'
import { openStore } from '../../src/storage/index.ts'
import { createMetrics, silentLogger } from '../../src/telemetry/index.ts'
import { trusting } from './origin-under-test.ts'

test('a connection that asks nothing does not keep a server from ending', { timeout: 20_000 }, async () => {
  const store = await openStore({ kind: 'memory' })
  const movies = new Movies(store)
  const metrics = createMetrics('origin')
  const server = await startOriginServer({
    listen: { host: '127.0.0.1', port: 0 },
    library: new Library({
      ...{ movies, pointers: new Pointers(store, systemClock) },
      turnstile: new Turnstile({ width: 1, queue: 1 }),
    }),
    counters: createCounters(metrics, () => movies.memory),
    live: createLive({ metrics, clock: systemClock, log: silentLogger }),
    ...{ peers: trusting, clock: systemClock, log: silentLogger },
  })
  const silent = connect(server.port, '127.0.0.1')
  onTestFinished(() => void silent.destroy())
  silent.on('error', () => {})
  await once(silent, 'connect')
  // Connections are accepted in their order: once this one is answered, the other is the server's.
  await fetch(`http://127.0.0.1:${server.port}/nothing`)
  const ends = Promise.all([server.close(), once(silent, 'close')])
  await expect(ends).resolves.toBeDefined()
})
