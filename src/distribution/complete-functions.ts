import { MiB, type FunctionId } from '../core/index.ts'
import type { BehaviourInput } from './input.ts'
import type { FunctionEvent, FunctionUse } from './schema.ts'
import type { KnownFunction, Surroundings } from './surroundings.ts'

type UseInput = NonNullable<BehaviourInput['functions']>[number]

/** In the order in which they are run for a request. */
const ORDER: readonly FunctionEvent[] = [
  'viewer-request',
  'origin-request',
  'origin-response',
  'playlist-response',
  'viewer-response',
]

/** Of a handler of Lambda@Edge that runs at viewer events, in bytes, as CloudFront has it. */
export const MOST_VIEWER_CODE = MiB

/** What a behaviour runs, and what is wrong with it: sentences, each with its place. */
export function completeFunctions(
  inputs: readonly UseInput[],
  behaviour: string,
  around: Surroundings,
  problems: string[],
): FunctionUse[] {
  const known = (input: UseInput): KnownFunction | undefined => findKnown(input, around)
  for (const [at, input] of inputs.entries()) {
    const place = `${behaviour} at ${input.event}`
    if (inputs.findIndex(each => each.event === input.event) !== at)
      problems.push(`${place} has two functions, and one is run: take one out`)
    problems.push(...wordProblems(input, place))
    // Of a file alone nobody knows what functions there are.
    if (around.functions !== undefined) problems.push(...useProblems(input, known(input), place))
  }
  const runtimes = inputs.filter(({ event }) => isViewers(event)).map(input => known(input)?.runtime)
  if (runtimes.includes('lambda-edge') && runtimes.some(each => each?.startsWith('cloudfront-js')))
    problems.push(
      `${behaviour} has a CloudFront function and a handler of Lambda@Edge at viewer events, and one kind is run there: move one of them`,
    )
  return inputs.map(completeUse).sort((one, other) => ORDER.indexOf(one.event) - ORDER.indexOf(other.event))
}

function completeUse({ event, function: name, body = false, when = 'stored' }: UseInput): FunctionUse {
  return {
    event,
    function: name as FunctionId, // looked for among those that there are
    ...(body && { body }),
    ...(when !== 'stored' && { when }),
  }
}

function findKnown(
  { function: asked }: UseInput,
  { functions = [] }: Surroundings,
): KnownFunction | undefined {
  const [name] = asked.split(':')
  return functions.find(each => each.name === name)
}

function isViewers(event: FunctionEvent): boolean {
  return event === 'viewer-request' || event === 'viewer-response'
}

/** What the words say without a look at the function. */
function wordProblems({ event, body, when }: UseInput, place: string): string[] {
  const problems: string[] = []
  if (body === true && event !== 'viewer-request' && event !== 'origin-request')
    problems.push(`${place} asks for "body", which requests alone have: take it out`)
  if (when !== undefined && when !== 'stored' && event !== 'playlist-response')
    problems.push(`${place} says "when", which counts at playlist-response alone: take it out`)
  return problems
}

function useProblems(
  { event, function: asked, body }: UseInput,
  known: KnownFunction | undefined,
  place: string,
): string[] {
  const what = `${place} runs "${asked}"`
  if (known === undefined)
    return [
      `${what}, which there is not: sluice functions list names those that there are, sluice functions create makes one`,
    ]
  const { name, runtime } = known
  const problems = stageProblem(asked, known).map(why => `${what}, ${why}`)
  if (runtime.startsWith('cloudfront-js') && !isViewers(event))
    problems.push(`${what}, and ${runtime} is for viewer events: use viewer-request or viewer-response`)
  if (runtime === 'sluice-js-1' && event !== 'playlist-response')
    problems.push(`${what}, and sluice-js-1 sees playlists alone: use playlist-response`)
  if (runtime === 'lambda-edge' && event === 'playlist-response')
    problems.push(`${what}, a handler of Lambda@Edge, and playlists are shown to sluice-js-1 alone`)
  if (isViewers(event) && bytesOf(asked, known) > MOST_VIEWER_CODE)
    problems.push(
      `${what}, whose code has ${bytesOf(asked, known)} bytes, and at viewer events ${MOST_VIEWER_CODE} run at most: make it smaller, or use origin-request or origin-response`,
    )
  if (body === true && runtime !== 'lambda-edge')
    problems.push(
      `${place} asks for "body", which handlers of Lambda@Edge alone see: take it out, "${name}" has none`,
    )
  return problems
}

/** Of the version that is named; CloudFront's own functions are held to their size when they are made. */
function bytesOf(asked: string, { versions }: KnownFunction): number {
  const [, version] = asked.split(':')
  return versions.find(each => each.version === Number(version))?.bytes ?? 0
}

/** Whether what is named there is published. */
function stageProblem(asked: string, { name, runtime, live, versions }: KnownFunction): string[] {
  const [, version] = asked.split(':')
  const newest = versions.at(-1)?.version
  if (runtime === 'lambda-edge') {
    if (newest === undefined) return [`which has no version yet: sluice functions publish ${name}`]
    if (version === undefined)
      return [`and a handler of Lambda@Edge is named with its version: write "${name}:${newest}"`]
    return versions.some(each => each.version === Number(version))
      ? []
      : [`which has no version ${version}: the newest is "${name}:${newest}"`]
  }
  if (version !== undefined) return [`and its runtime ${runtime} has no versions: write "${name}"`]
  return live ? [] : [`which was never published: sluice functions publish ${name}`]
}
