/** The one door to the schema library: a schema is validator, type and documentation at once. */
export { Type } from 'typebox'
export type { Static, TSchema } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { SluiceError } from './errors.ts'

/** A checked reader for one shape. `what` names the thing in the error's sentence ("the snapshot", "sluice.yaml"). */
export function reader<S extends TSchema>(schema: S, what: string): (value: unknown) => Static<S> {
  const compiled = Compile(schema)
  return value => {
    if (compiled.Check(value)) return value
    const { at, wrong } = worst(compiled.Errors(value))
    throw new SluiceError('bad-input', `${what} is not valid${at === '' ? '' : ` at ${at}`}: ${wrong}`, {
      side: 'operator',
      kind: 'usage',
    })
  }
}

interface Complaint {
  keyword: string
  instancePath: string
  message: string
  params: object
}

/** Of the complaints about a choice between shapes, those that reached deepest are about the one that was meant. */
function worst(all: readonly Complaint[]): { at: string; wrong: string } {
  const telling = all.filter(each => each.keyword !== 'boolean' && each.keyword !== 'anyOf')
  const depth = (each: Complaint): number => each.instancePath.split('/').length
  const deepest = Math.max(0, ...telling.map(depth))
  const first = telling.find(each => depth(each) === deepest) ?? all[0]
  if (!first) return { at: '', wrong: 'unknown reason' }
  const same = telling.filter(each => each.instancePath === first.instancePath)
  const words = same.flatMap(({ params }) =>
    'allowedValue' in params ? [JSON.stringify(params.allowedValue)] : [],
  )
  const strangers = same.flatMap(({ params }): unknown[] =>
    'additionalProperties' in params && Array.isArray(params.additionalProperties)
      ? (params.additionalProperties as unknown[]) // an array of anything is one of unknowns
      : [],
  )
  const wrong =
    words.length > 1 && words.length === same.length
      ? `must be one of ${words.join(', ')}`
      : strangers.length > 0
        ? `the field "${String(strangers[0]).slice(0, 80)}" is not known here`
        : first.message
  return { at: first.instancePath, wrong }
}
