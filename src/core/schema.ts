/** The door to the schema library: a schema is validator, type and documentation at once. */
export type { Static, TSchema } from 'typebox'
import type { Static, TSchema, Type as TypeBox } from 'typebox'
import { Compile, type Validator } from 'typebox/schema'
import { SluiceError } from './errors.ts'

/** Where `Optional` leaves its mark: out of sight of whoever writes the schema out as JSON. */
const OPTIONAL = '~optional'

type Schema = Record<string, unknown>

/**
 * The shapes that Sluice is described in, each the plain JSON Schema that TypeBox makes, with TypeBox's own types. Its
 * builders read and write every type of TypeScript; to load them is a quarter of a second of a core, in every process
 * and for every command, and these are all that is needed of them.
 */
const builders = {
  String: (options?: object): Schema => ({ type: 'string', ...options }),
  Number: (options?: object): Schema => ({ type: 'number', ...options }),
  Integer: (options?: object): Schema => ({ type: 'integer', ...options }),
  Boolean: (options?: object): Schema => ({ type: 'boolean', ...options }),
  Null: (options?: object): Schema => ({ type: 'null', ...options }),
  Unknown: (options?: object): Schema => ({ ...options }),
  Literal: (value: string | number | boolean, options?: object): Schema => ({
    ...{ type: typeof value, const: value },
    ...options,
  }),
  Array: (items: Schema, options?: object): Schema => ({ type: 'array', items, ...options }),
  Object(properties: Record<string, Schema>, options?: object): Schema {
    const required = Object.keys(properties).filter(name => !(OPTIONAL in (properties[name] ?? {})))
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
  },
  Record: (_names: Schema, values: Schema, options?: object): Schema => ({
    ...{ type: 'object', patternProperties: { '^.*$': values } },
    ...options,
  }),
  Union: (anyOf: Schema[], options?: object): Schema => ({ anyOf, ...options }),
  Intersect: (allOf: Schema[], options?: object): Schema => ({ allOf, ...options }),
  Optional: (schema: Schema): Schema => Object.defineProperty({ ...schema }, OPTIONAL, { value: true }),
  Unsafe: (schema: TSchema): TSchema => schema,
}

export const Type = builders as unknown as Pick<typeof TypeBox, keyof typeof builders> // the same schemas, as the test of them shows; the rest of TypeBox's types exists for the compiler only

/** A checked reader for one shape. `what` names the thing in the error's sentence ("the snapshot", "sluice.yaml"). */
export function reader<S extends TSchema>(schema: S, what: string): (value: unknown) => Static<S> {
  // Compiled when it is first asked: most commands read one shape or two, and all of them are described.
  let compiled: Validator<S, Static<S>> | undefined
  return value => {
    compiled ??= Compile(schema)
    if (compiled.Check(value)) return value
    const [, complaints] = compiled.Errors(value)
    const { at, wrong } = worst(complaints)
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
