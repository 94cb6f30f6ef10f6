import {
  MOST_VIEWER_CODE,
  type Behaviour,
  type BehaviourInput,
  type FunctionEvent,
  type FunctionUse,
} from '../../distribution/index.ts'
import { listFunctions, runnable, type FunctionStage, type Tx } from '../database/index.ts'
import { arnOf } from './arn.ts'
import type { Findings } from './findings.ts'
import { ACCOUNT } from './identity.ts'
import { itemsOf, listed } from './lists.ts'
import { CloudFrontError } from './operation.ts'
import type { CacheBehavior } from './shapes.ts'

type Uses = NonNullable<BehaviourInput['functions']>

const VIEWERS = { 'viewer-request': 'viewer-request', 'viewer-response': 'viewer-response' } as const
const ALL = { ...VIEWERS, 'origin-request': 'origin-request', 'origin-response': 'origin-response' } as const

const FUNCTION_ARN = /^arn:aws[a-z-]*:cloudfront::\d*:function\/([A-Za-z0-9_-]{1,64})$/
const LAMBDA_ARN =
  /^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d*:function:([A-Za-z0-9_-]{1,64})(?::([A-Za-z0-9$_-]+))?$/
/** What an ARN stands for that is none, and is refused. */
const NONE = '_'

/**
 * What a behaviour runs, of CloudFront's two lists. Functions at `playlist-response`, for which CloudFront has no word,
 * stay as they are stored.
 */
export function readAssociations(
  sent: CacheBehavior,
  stored: Behaviour | undefined,
  place: string,
  found: Findings,
): Pick<BehaviourInput, 'functions'> {
  const own = itemsOf(sent.FunctionAssociations).map(({ FunctionARN: arn = '', EventType: event = '' }) => {
    const at = `${place}, FunctionAssociations`
    const name = FUNCTION_ARN.exec(arn)?.[1]
    if (name === undefined)
      found.refuse(at, `"${arn.slice(0, 120)}" is the ARN of no function`, 'InvalidFunctionAssociation')
    return { event: eventOf(at, event, VIEWERS, 'InvalidFunctionAssociation', found), function: name ?? NONE }
  })
  const lambdas = itemsOf(sent.LambdaFunctionAssociations).map(association => {
    const { LambdaFunctionARN: arn = '', EventType: event = '', IncludeBody: body = false } = association
    const at = `${place}, LambdaFunctionAssociations`
    const code = 'InvalidLambdaFunctionAssociation'
    if (body && event.endsWith('-response'))
      found.refuse(`${at}, IncludeBody`, 'requests alone have a body that is shown', code)
    return {
      event: eventOf(at, event, ALL, code, found),
      function: lambdaOf(at, arn, found),
      ...(body && { body }),
    }
  })
  const kept = (stored?.functions ?? []).filter(({ event }) => event === 'playlist-response')
  const functions: Uses = [...own, ...lambdas, ...kept]
  if (own.length > 0 && lambdas.some(({ event }) => event.startsWith('viewer-')))
    found.refuse(
      `${place}, LambdaFunctionAssociations`,
      'at viewer events a behaviour has CloudFront functions or those of Lambda@Edge, not both',
      'InvalidLambdaFunctionAssociation',
    )
  for (const [at, { event }] of functions.entries())
    if (functions.findIndex(each => each.event === event) < at)
      found.refuse(
        place,
        `two functions at ${event}: one is run, take one out`,
        at < own.length ? 'InvalidFunctionAssociation' : 'InvalidLambdaFunctionAssociation',
      )
  return functions.length === 0 ? {} : { functions }
}

function eventOf(
  place: string,
  word: string,
  known: Readonly<Record<string, FunctionEvent>>,
  code: string,
  found: Findings,
): FunctionEvent {
  const event = Object.hasOwn(known, word) ? known[word] : undefined
  if (event !== undefined) return event
  found.refuse(`${place}, EventType`, `it is one of ${Object.keys(known).join(', ')}`, code)
  return 'viewer-request'
}

/** CloudFront takes numbered versions only: what runs at edges must not change under the same name. */
function lambdaOf(place: string, arn: string, found: Findings): string {
  const [, name, version] = LAMBDA_ARN.exec(arn) ?? []
  if (name !== undefined && /^\d{1,9}$/.test(version ?? '')) return `${name}:${version}`
  const why =
    name === undefined
      ? `"${arn.slice(0, 120)}" is no ARN of a function`
      : 'name a version by its number, not $LATEST and no alias: sluice functions publish makes one'
  found.refuse(place, why, 'InvalidLambdaFunctionAssociation')
  return NONE
}

/** Back into the two lists. */
export function renderAssociations({
  functions = [],
}: Behaviour): Pick<CacheBehavior, 'FunctionAssociations' | 'LambdaFunctionAssociations'> {
  const shown = functions.flatMap(use => {
    const event = use.event === 'playlist-response' ? undefined : use.event
    return event === undefined ? [] : [{ ...use, event }]
  })
  const isLambda = ({ function: id }: FunctionUse): boolean => id.includes(':')
  return {
    FunctionAssociations: listed(
      shown
        .filter(use => !isLambda(use))
        .map(use => ({ FunctionARN: arnOf('function', use.function), EventType: use.event })),
    ),
    LambdaFunctionAssociations: listed(
      shown.filter(isLambda).map(({ event, function: id, body = false }) => ({
        LambdaFunctionARN: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${id}`,
        ...{ EventType: event, IncludeBody: body },
      })),
    ),
  }
}

/** Refuses functions that there are not, under CloudFront's words for it. */
export async function refuseUnknownFunctions(tx: Tx, behaviours: readonly BehaviourInput[]): Promise<void> {
  if (behaviours.every(({ functions = [] }) => functions.length === 0)) return
  const all = await listFunctions(tx)
  const known = new Map(runnable(all).map(({ id, stage }) => [id as string, stage]))
  for (const { event, function: id } of behaviours.flatMap(each => each.functions ?? [])) {
    // It has no ARN: it is here because it was stored.
    if (event === 'playlist-response') continue
    if (id.includes(':')) refuseVersion(id, event, known.get(id))
    else if (!all.some(each => each.name === id && each.development.runtime.startsWith('cloudfront-js')))
      throw new CloudFrontError('NoSuchFunctionExists', `there is no function ${id}`)
    else if (!known.has(id))
      throw new CloudFrontError('InvalidFunctionAssociation', `the function ${id} was not published`)
  }
}

function refuseVersion(id: string, event: FunctionEvent, stage: FunctionStage | undefined): void {
  if (stage?.runtime !== 'lambda-edge')
    throw new CloudFrontError(
      'InvalidLambdaFunctionAssociation',
      `there is no version ${id}: sluice functions show lists those that there are`,
    )
  if (event.startsWith('viewer-') && stage.code.bytes > MOST_VIEWER_CODE)
    throw new CloudFrontError(
      'InvalidLambdaFunctionAssociation',
      `the code of ${id} has ${stage.code.bytes} bytes, and at viewer events ${MOST_VIEWER_CODE} run at most`,
    )
}
