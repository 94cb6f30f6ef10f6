import { malformed, RestFault } from './fault.ts'
import {
  isSimple,
  shapeOf,
  type List,
  type Member,
  type Members,
  type Model,
  type SimpleType,
  type Structure,
  type TypeName,
  type Value,
} from './model.ts'
import type { Element } from './xml.ts'

/** What an element holds by the model. Throws a `RestFault` that names the place. */
export function readElement(model: Model, type: TypeName, element: Element, place: string): Value {
  if (isSimple(type)) {
    if (element.children.length > 0)
      throw malformed(`${place} holds <${element.children[0]?.name}>, not text`)
    return readText(type, element.text, place)
  }
  const shape = shapeOf(model, type)
  if (element.text.trim() !== '') throw malformed(`${place} holds text, where only elements are taken`)
  return shape.kind === 'list'
    ? readList(model, shape, element, place)
    : readStructure(model, shape, element, place)
}

function readList(model: Model, shape: List, element: Element, place: string): Value[] {
  return element.children.map((child, at) => {
    if (child.name !== shape.item)
      throw malformed(`${place} holds <${shorten(child.name)}>, where only <${shape.item}> is taken`)
    return readElement(model, shape.of, child, `${place}[${at}]`)
  })
}

/** The elements of a structure in any order, each once; members that stand elsewhere are left out. */
export function readStructure(model: Model, shape: Structure, element: Element, place: string): Members {
  const known = elementsOf(shape)
  const members: Record<string, Value> = {}
  for (const child of element.children) {
    const found = known.get(child.name)
    if (!found) throw malformed(`${place} holds <${shorten(child.name)}>, which is unknown there`)
    const [name, member] = found
    if (Object.hasOwn(members, name)) throw malformed(`${place} holds <${child.name}> twice`)
    members[name] = readElement(model, member.type, child, `${place}.${name}`)
  }
  for (const [name, member] of known.values()) {
    if (member.required && !Object.hasOwn(members, name)) throw malformed(`${place}.${name} is missing`)
  }
  checkQuantity(members, place)
  return members
}

/** CloudFront counts every list beside it. */
function checkQuantity(members: Members, place: string): void {
  const { Quantity: quantity, Items: items } = members
  if (quantity === undefined) return
  const count = Array.isArray(items) ? items.length : 0
  if (quantity === count) return
  throw new RestFault(
    'InconsistentQuantities',
    `${place}.Quantity says ${JSON.stringify(quantity)} and Items has ${count}`,
    400,
  )
}

const byElement = new WeakMap<Structure, Map<string, [name: string, member: Member]>>()

function elementsOf(shape: Structure): Map<string, [name: string, member: Member]> {
  let known = byElement.get(shape)
  if (!known) {
    const elements = Object.entries(shape.members).filter(([, member]) => member.at === undefined)
    known = new Map(elements.map(([name, member]) => [member.as ?? name, [name, member]]))
    byElement.set(shape, known)
  }
  return known
}

/** Throws a `RestFault` that names the place. */
export function readText(type: SimpleType, text: string, place: string): Value {
  switch (type) {
    case 'string':
      return text
    case 'boolean':
      return readBoolean(text.trim(), place)
    case 'number':
      return readNumber(text.trim(), place)
    case 'timestamp':
      return readTimestamp(text.trim(), place)
    case 'blob':
      return readBlob(text.replace(/\s+/g, ''), place)
  }
}

function readBoolean(text: string, place: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  throw malformed(`${place} is neither true nor false`)
}

function readNumber(text: string, place: string): number {
  const value = Number(text)
  if (!/^[+-]?\d{1,20}(?:\.\d{1,20})?$/.test(text) || Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw malformed(`${place} is no number`)
  return value
}

function readTimestamp(text: string, place: string): Date {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : NaN
  if (Number.isNaN(at)) throw malformed(`${place} is no instant: write it as 2026-01-31T12:00:00Z`)
  return new Date(at)
}

function readBlob(text: string, place: string): Uint8Array {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(text))
    throw malformed(`${place} is no base64`)
  return Buffer.from(text, 'base64')
}

function shorten(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}…` : name
}
