/**
 * An API of Smithy's protocol restXml (smithy.io, "AWS restXml protocol") as the build compiles it: operations, and the
 * shapes of what they take and give. What no operation here needs (maps, flattened lists, attributes) is no part of it.
 */
export interface Model {
  /** Where it comes from, and its licence. */
  notice: string
  /** Of every element. */
  namespace: string
  operations: Readonly<Record<string, Operation>>
  shapes: Readonly<Record<string, Shape>>
  /** Statuses of the errors that the API names. */
  errors: Readonly<Record<string, number>>
}

export interface Operation {
  method: string
  /** `/2020-05-31/distribution/{Id}`; a query that tells operations of one path apart stands behind it. */
  uri: string
  /** Of success. */
  status: number
  /** Names of structures; null where there is nothing. */
  input: string | null
  output: string | null
}

export type Shape = Structure | List

export interface Structure {
  kind: 'structure'
  members: Readonly<Record<string, Member>>
}

export interface List {
  kind: 'list'
  of: TypeName
  /** The name of each element in it. */
  item: string
}

/** A simple type, or the name of a shape. */
export type TypeName = string

export const SIMPLE_TYPES = ['string', 'boolean', 'number', 'timestamp', 'blob'] as const
export type SimpleType = (typeof SIMPLE_TYPES)[number]

export interface Member {
  type: TypeName
  required?: true
  /** Where it stands when that is no element. `body`: it is the whole document, or the bytes themselves. */
  at?: 'label' | 'query' | 'header' | 'body'
  /** Its name there: of the element, parameter, field or root. The member's own where it is left out, and the type's for a root. */
  as?: string
}

/** What a member holds. Timestamps are `Date`, blobs bytes. */
export type Value = string | number | boolean | Date | Uint8Array | readonly Value[] | Members

export interface Members {
  readonly [name: string]: Value | undefined
}

export function isSimple(type: TypeName): type is SimpleType {
  return (SIMPLE_TYPES as readonly string[]).includes(type)
}

/** Throws for a name that the model does not have, which is a mistake of the build. */
export function shapeOf(model: Model, name: string): Shape {
  const shape = Object.hasOwn(model.shapes, name) ? model.shapes[name] : undefined
  if (!shape) throw new Error(`the model has no shape ${name}`)
  return shape
}

/** Throws where the name is that of a list. */
export function structureOf(model: Model, name: string): Structure {
  const shape = shapeOf(model, name)
  if (shape.kind !== 'structure') throw new Error(`the shape ${name} is no structure`)
  return shape
}
