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
    const first = compiled.Errors(value)[0]
    const where = first && first.instancePath !== '' ? ` at ${first.instancePath}` : ''
    throw new SluiceError(
      'bad-input',
      `${what} is not valid${where}: ${first?.message ?? 'unknown reason'}`,
      {
        side: 'operator',
        kind: 'usage',
      },
    )
  }
}
