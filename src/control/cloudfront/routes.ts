import type { Clock } from '../../core/index.ts'
import { findRoute, readInput, readQuery, routeTable, writeOutput } from '../../restxml/index.ts'
import type { Members, Model, RestAnswer, RouteTable } from '../../restxml/index.ts'
import type { Logger } from '../../telemetry/index.ts'
import type { RawRoute } from '../route.ts'
import { answerSigned, type Verified } from './answering.ts'
import { checkScope, type CallerBook } from './callers.ts'
import { callerIdentity, STS_NAMESPACE } from './identity.ts'
import { loadModel } from './model.ts'
import { CloudFrontError, type Handler, type Handlers } from './operation.ts'

export interface CloudFrontOptions {
  callers: CallerBook
  handlers: Handlers
  clock: Clock
  log: Logger
}

/** Of documents, those of errors included. */
const NAMESPACE = 'http://cloudfront.amazonaws.com/doc/2020-05-31/'
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** CloudFront's API, and of STS the one question that its clients ask. */
export function cloudFrontRoutes(options: CloudFrontOptions): RawRoute[] {
  const { callers, clock, log } = options
  let opened: Opened | undefined
  const common = { callers, clock, log }
  return [
    {
      ...{ kind: 'raw', foreign: 'below', methods: METHODS, path: '/2020-05-31/' },
      ...{ access: { kind: 'public' }, summary: "CloudFront's API" },
      handle: (request, response) =>
        answerSigned(request, response, {
          ...{ ...common, service: 'cloudfront', namespace: NAMESPACE },
          statusOf: code => opened?.statuses.get(code),
          async answer(verified) {
            // Opened late: most of those who run Sluice never ask, and it is some megabytes.
            opened ??= await openModel()
            return operate(verified, opened, options)
          },
        }),
    },
    {
      ...{ kind: 'raw', foreign: 'at', methods: ['POST'], path: '/' },
      ...{ access: { kind: 'public' }, summary: 'sts:GetCallerIdentity' },
      handle: (request, response) =>
        answerSigned(request, response, {
          ...{ ...common, service: 'sts', namespace: STS_NAMESPACE, statusOf: () => undefined },
          answer: ({ request: { body }, caller, requestId }) => {
            const document = callerIdentity(body, caller, requestId)
            return Promise.resolve({ status: 200, headers: { 'content-type': 'text/xml' }, body: document })
          },
        }),
    },
  ]
}

interface Opened {
  model: Model
  table: RouteTable
  statuses: ReadonlyMap<string, number>
}

async function openModel(): Promise<Opened> {
  const model = await loadModel()
  return { model, table: routeTable(model), statuses: new Map(Object.entries(model.errors)) }
}

async function operate(
  { request, header, caller, requestId, signal }: Verified,
  { model, table }: Opened,
  { handlers, clock, log }: CloudFrontOptions,
): Promise<RestAnswer> {
  const [path = '', ...rest] = request.target.split('?')
  const query = readQuery(rest.join('?'))
  const found = findRoute(table, request.method, path, query)
  if (!found)
    throw new CloudFrontError(
      'UnknownOperation',
      `CloudFront's API has no ${request.method} ${path.slice(0, 200)}: check the address and the version of the client`,
      404,
    )
  const { name: operation, labels } = found
  checkScope(caller, operation)
  const handler = Object.hasOwn(handlers, operation) ? handlers[operation] : undefined
  if (!handler)
    throw new CloudFrontError('NotImplemented', `${operation} is not in this version of Sluice`, 501)
  const input = readInput(model, found.operation, { labels, query, header, body: request.body })
  const notices: string[] = []
  const notice = (text: string): void => void notices.push(text)
  const context = { operation, caller, now: clock.now(), requestId, signal, notice }
  // The input has the shape that the handler is written for: both are of the same model.
  const output = await (handler as Handler<Members>)(input, context)
  const answer = writeOutput(model, found.operation, (output ?? {}) as Members) // in the words of the output shape
  if (notices.length === 0) return answer
  log.info(
    { operation, requestId, accessKey: caller.accessKeyId, notices },
    'not all is as CloudFront has it',
  )
  return { ...answer, headers: { ...answer.headers, 'x-sluice-notice': noticeField(notices) } }
}

/** In bytes; a client's library would refuse an answer whose fields are longer than it takes. */
const LONGEST_NOTICE = 4_000

/** What came from users must not end the field. */
function noticeField(notices: readonly string[]): string {
  return notices
    .join(' | ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, LONGEST_NOTICE)
}
