// Lets worker threads of a test run src/ as it stands, as typescript-loader.mjs does for child processes. The processes
// of the tests themselves are given this too, and pay nothing for it.
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (!isMainThread) register('./control/typescript-loader.mjs', import.meta.url)
