import { invalidArgument, malformed, RestFault } from './fault.ts'
import {
  isSimple,
  structureOf,
  type Member,
  type Members,
  type Model,
  type Operation,
  type Structure,
  type Value,
} from './model.ts'
import { readElement, readStructure, readText } from './read-value.ts'
import { parseXml } from './xml.ts'

/** A request whose operation is known. */
export interface RestRequest {
  /** Of the path, decoded. */
  labels: Readonly<Record<string, string>>
  /** Decoded, in their order. */
  query: readonly (readonly [name: string, value: string])[]
  /** By lower-case name. */
  header: (name: string) => string | undefined
  body: Uint8Array
}

/**
 * What an operation is asked to do: one plain object of everything that path, query, fields and document say, checked by
 * the model. Elements may come in any order. Unknown and repeated ones, wrong types, what is missing and counts that are
 * not true throw a `RestFault` of status 400, so that nothing is ever done by half of a document. Parameters and fields
 * that the operation does not know are left alone: clients send some of their own.
 */
export function readInput(model: Model, operation: Operation, request: RestRequest): Members {
  if (operation.input === null) {
    refuseBody(request.body)
    return {}
  }
  const shape = structureOf(model, operation.input)
  const input: Record<string, Value> = {}
  for (const [name, member] of Object.entries(shape.members)) {
    const value = readMember(model, name, member, request)
    if (value !== undefined) input[name] = value
    else if (member.required && member.at !== undefined && member.at !== 'body')
      throw invalidArgument(`${name} is missing`)
  }
  return { ...input, ...readOwnElements(model, operation.input, shape, request.body) }
}

function readMember(model: Model, name: string, member: Member, request: RestRequest): Value | undefined {
  switch (member.at) {
    case 'label':
      return request.labels[name]
    case 'query':
      return readPlain(name, member, queryValue(request, member.as ?? name))
    case 'header':
      return readPlain(name, member, request.header((member.as ?? name).toLowerCase()))
    case 'body':
      return readPayload(model, member, request.body)
    default:
      return undefined
  }
}

function queryValue({ query }: RestRequest, name: string): string | undefined {
  const found = query.filter(([each]) => each === name)
  if (found.length > 1) throw invalidArgument(`${name} stands in the query ${found.length} times`)
  return found[0]?.[1]
}

function readPlain(name: string, { type }: Member, text: string | undefined): Value | undefined {
  if (text === undefined) return undefined
  if (!isSimple(type)) throw new Error(`the member ${name} of the model is no text`)
  try {
    return readText(type, text, name)
  } catch (error) {
    throw error instanceof RestFault ? invalidArgument(error.message) : error
  }
}

function readPayload(model: Model, member: Member, body: Uint8Array): Value | undefined {
  if (body.length === 0) {
    if (member.required) throw missingBody()
    return undefined
  }
  if (member.type === 'blob') return body
  const root = member.as ?? member.type
  return readElement(model, member.type, rootOf(body, root), root)
}

/** Of an input whose members are the document themselves, and are not one member of it. */
function readOwnElements(model: Model, name: string, shape: Structure, body: Uint8Array): Members {
  const members = Object.values(shape.members)
  if (members.some(({ at }) => at === 'body')) return {}
  const own = members.filter(({ at }) => at === undefined)
  if (own.length === 0) {
    refuseBody(body)
    return {}
  }
  if (body.length === 0) {
    if (own.some(({ required }) => required)) throw missingBody()
    return {}
  }
  return readStructure(model, shape, rootOf(body, name), name)
}

function rootOf(body: Uint8Array, name: string): ReturnType<typeof parseXml> {
  const root = parseXml(body)
  if (root.name === name) return root
  throw malformed(`the document is <${root.name.slice(0, 80)}>, where <${name}> is taken`)
}

function refuseBody(body: Uint8Array): void {
  if (body.length > 0) throw malformed('this operation takes no document')
}

function missingBody(): RestFault {
  return new RestFault('MissingBody', 'this operation needs a document: send it as the body', 400)
}
