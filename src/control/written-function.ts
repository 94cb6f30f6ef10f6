import type { FunctionRuntime } from '../distribution/index.ts'

export interface WrittenFunction {
  name: string
  runtime: FunctionRuntime
  /** The id of the key value store that it reads. */
  store: string | null
  hosts: readonly string[]
}

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

/** What is wrong with a function apart from its code, in sentences that name the mend. */
export function writtenProblems({ name, runtime, store, hosts }: WrittenFunction): string[] {
  const place = `the function "${name}"`
  const problems: string[] = []
  if (store !== null && runtime !== 'cloudfront-js-2.0')
    problems.push(
      `${place} has a key value store, which cloudfront-js-2.0 alone reads: take it out, or use that runtime`,
    )
  if (hosts.length > 0 && runtime !== 'lambda-edge')
    problems.push(`${place} has "hosts", and handlers of Lambda@Edge alone may fetch: take them out`)
  for (const host of hosts)
    if (
      !host
        .replace(/^\*\./, '')
        .split('.')
        .every(label => LABEL.test(label))
    )
      problems.push(`the host "${host}" of ${place} is none: write it as api.example.com, or *.example.com`)
  return problems
}
