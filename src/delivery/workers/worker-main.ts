/** The module that the manager of an edge forks for each worker; it is told everything over the channel. */
import cluster from 'node:cluster'
import { messageOf } from '../../core/index.ts'
import { createLogger } from '../../telemetry/index.ts'
import { Worker } from './worker.ts'

if (!cluster.isWorker) {
  process.stderr.write('This module is started by an edge.\n')
  process.exit(2)
}

const log = createLogger('edge')

// A terminal's Ctrl-C and a service manager's SIGTERM reach every process; the manager decides when workers end. When
// it is gone, node:cluster ends them.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})

// The state after an error that nobody expected is unknown: say it and end, the manager starts a fresh process.
const dieOf = (what: string) => (error: unknown) => {
  log.error({ error: messageOf(error), stack: error instanceof Error ? error.stack : undefined }, what)
  process.exit(1)
}
process.on('uncaughtException', dieOf('uncaught error'))
process.on('unhandledRejection', dieOf('unhandled rejection'))

const worker = new Worker({
  send: message => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {})
  },
  exit: code => process.exit(code),
})
process.on('message', message => worker.receive(message))
await worker.hello()
