import {
  isSimple,
  shapeOf,
  structureOf,
  type Members,
  type Model,
  type Operation,
  type TypeName,
  type Value,
} from './model.ts'
import { escapeXml } from './xml.ts'

export interface RestAnswer {
  status: number
  headers: Record<string, string>
  /** Text is a document; bytes are what the operation gives as they are. */
  body: string | Uint8Array | undefined
}

export const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

/**
 * The answer of an operation. Members that its shape does not have are left out, so that one object can be written as
 * several shapes: a summary is its resource with less in it.
 */
export function writeOutput(model: Model, operation: Operation, output: Members): RestAnswer {
  const answer: RestAnswer = { status: operation.status, headers: {}, body: undefined }
  if (operation.output === null) return answer
  const { members } = structureOf(model, operation.output)
  const own: string[] = []
  for (const [name, member] of Object.entries(members)) {
    const value = output[name]
    if (value === undefined || value === null) continue
    if (member.at === 'header') answer.headers[(member.as ?? name).toLowerCase()] = fieldText(value)
    else if (member.at === 'body')
      answer.body =
        member.type === 'blob'
          ? bytesOf(value)
          : documentOf(model, member.as ?? member.type, inside(model, member.type, value))
    else own.push(element(model, member.as ?? name, member.type, value))
  }
  if (Object.values(members).some(({ at }) => at === undefined))
    answer.body ??= documentOf(model, operation.output, own.join(''))
  if (answer.body !== undefined) answer.headers['content-type'] ??= 'text/xml'
  return answer
}

/** A whole document of the model's namespace. */
export function documentOf(model: Pick<Model, 'namespace'>, root: string, inside: string): string {
  return `${DECLARATION}<${root} xmlns="${model.namespace}">${inside}</${root}>`
}

function element(model: Model, name: string, type: TypeName, value: Value): string {
  return `<${name}>${inside(model, type, value)}</${name}>`
}

function inside(model: Model, type: TypeName, value: Value): string {
  if (isSimple(type)) return escapeXml(simpleText(type === 'blob', value))
  const shape = shapeOf(model, type)
  if (shape.kind === 'list') {
    if (!isList(value)) throw new Error(`an answer has no list where ${type} is one`)
    return value.map(each => element(model, shape.item, shape.of, each)).join('')
  }
  if (!isMembers(value)) throw new Error(`an answer has no members where ${type} has`)
  let text = ''
  for (const [name, member] of Object.entries(shape.members)) {
    const each = value[name]
    if (member.at === undefined && each !== undefined && each !== null)
      text += element(model, member.as ?? name, member.type, each)
  }
  return text
}

function simpleText(isBlob: boolean, value: Value): string {
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString(isBlob ? 'base64' : 'utf8')
  if (typeof value === 'object') throw new Error('an answer has members where the model has text')
  return String(value)
}

function bytesOf(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  throw new Error('an answer has no bytes where the model has some')
}

/** What came from users must not end a field. */
function fieldText(value: Value): string {
  return simpleText(false, value).replace(/[^\t\x20-\x7e]/g, '?')
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function isMembers(value: Value): value is Members {
  return (
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof Date || value instanceof Uint8Array)
  )
}
