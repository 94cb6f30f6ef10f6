import type { FunctionStage, StoredFunction, Tx } from '../database/index.ts'
import { codeOf, trialOf } from '../try-function.ts'
import type { Services } from '../services.ts'
import { deployments, type Deployed } from './deployment.ts'
import { CloudFrontError, type Handler } from './operation.ts'
import { checkIfMatch } from './precondition.ts'

type Stage = 'DEVELOPMENT' | 'LIVE'

interface Test {
  Name: string
  Stage?: string
  IfMatch?: string
  EventObject: Uint8Array
}

/** Of an event, in bytes (CloudFront's API reference, TestFunction). */
const LARGEST = 40_960

/** How functions are found and shown. */
export interface FunctionWords {
  find(tx: Tx, name: string): Promise<StoredFunction>
  at(stored: StoredFunction, stage: Stage): FunctionStage
  tagOf(stored: StoredFunction, stage: Stage): string
  stageName(text: string | undefined): Stage
  summaryOf(tx: Tx, stored: StoredFunction, stage: Stage, deployed: Deployed): Promise<object>
}

/** Runs it here, on an event of the asker's; nothing of it reaches a viewer. */
export function testFunction(services: Services, words: FunctionWords): Handler<Test> {
  const { database, trials } = services
  return async ({ Name, Stage: asked, IfMatch, EventObject: bytes }) => {
    const stage = words.stageName(asked)
    const deployed = await deployments(services)
    const { trial, summary } = await database.read(async tx => {
      const stored = await words.find(tx, Name)
      checkIfMatch(IfMatch, words.tagOf(stored, stage))
      const found = words.at(stored, stage)
      const code = await codeOf(tx, found)
      return {
        trial: await trialOf(tx, { name: Name, stage: found, code, event: readEvent(bytes) }),
        summary: await words.summaryOf(tx, stored, stage, deployed),
      }
    })
    const outcome = await trials.run(trial)
    return {
      TestResult: {
        FunctionSummary: summary,
        ComputeUtilization: String(outcome.used),
        FunctionExecutionLogs: [...outcome.logs],
        FunctionErrorMessage: outcome.kind === 'failed' ? outcome.message : '',
        FunctionOutput: outcome.kind === 'returned' ? outputOf(outcome.value) : '',
      },
    }
  }
}

function readEvent(bytes: Uint8Array): never {
  if (bytes.length > LARGEST)
    throw new CloudFrontError('InvalidArgument', `EventObject has ${LARGEST} bytes at most`)
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as never // JSON of any kind
  } catch {
    throw new CloudFrontError('InvalidArgument', 'EventObject is no JSON')
  }
}

/** As CloudFront shows it: under the word for what it is. A response has a status, a request has none. */
function outputOf(value: unknown): string {
  const isResponse = typeof value === 'object' && value !== null && 'statusCode' in value
  return JSON.stringify(isResponse ? { response: value } : { request: value })
}
