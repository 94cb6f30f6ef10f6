import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ThreadData } from '../protocol.ts'
import { FunctionThread } from './function-thread.ts'
import { Inbox } from './inbox.ts'

// The library reports to the console what it then throws as well.
console.error = () => undefined // eslint-disable-line no-console

const port = parentPort
if (port !== null) {
  const say = (message: FromThread): void => port.postMessage(message)
  const data = workerData as ThreadData // what the runner starts it with
  const thread: FunctionThread = new FunctionThread(data, say, () => inbox.settled())
  const inbox = new Inbox(data, port, thread)
  inbox.open()
  say({ kind: 'ready' })
}
