import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ThreadData, ToThread } from '../protocol.ts'
import { FunctionThread } from './function-thread.ts'

// The library reports to the console what it then throws as well.
console.error = () => undefined // eslint-disable-line no-console

const port = parentPort
if (port !== null) {
  const say = (message: FromThread): void => port.postMessage(message)
  const thread = new FunctionThread(workerData as ThreadData, say) // what the runner starts it with
  port.on('message', (message: ToThread) => thread.hear(message))
  say({ kind: 'ready' })
}
