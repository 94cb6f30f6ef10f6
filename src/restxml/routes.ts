import { invalidArgument } from './fault.ts'
import type { Model, Operation } from './model.ts'

export interface Route {
  name: string
  operation: Operation
  /** Undefined stands for a label. */
  segments: readonly (string | undefined)[]
  labels: readonly string[]
  /** What the query must have; the value is undefined where the name alone counts. */
  query: readonly (readonly [name: string, value: string | undefined])[]
}

/** By method and number of segments, the more exact first. */
export type RouteTable = ReadonlyMap<string, readonly Route[]>

export type Query = readonly (readonly [name: string, value: string])[]

export interface Found {
  name: string
  operation: Operation
  /** Decoded. */
  labels: Readonly<Record<string, string>>
}

export function routeTable(model: Model): RouteTable {
  const table = new Map<string, Route[]>()
  for (const [name, operation] of Object.entries(model.operations)) {
    const route = routeOf(name, operation)
    const key = keyOf(operation.method, route.segments.length)
    table.set(key, [...(table.get(key) ?? []), route])
  }
  for (const routes of table.values()) routes.sort(moreExactFirst)
  return table
}

/** Undefined when no operation is there. Throws a `RestFault` for an escape that is none. */
export function findRoute(table: RouteTable, method: string, path: string, query: Query): Found | undefined {
  const given = path.split('/').slice(1).map(decoded)
  const route = table
    .get(keyOf(method, given.length))
    ?.find(each => fitsPath(each, given) && fitsQuery(each, query))
  if (!route) return undefined
  const values = given.filter((_, at) => route.segments[at] === undefined)
  const labels = Object.fromEntries(route.labels.map((name, at) => [name, values[at] ?? '']))
  return { name: route.name, operation: route.operation, labels }
}

/** A query in its pairs; what stands alone has an empty value. Throws a `RestFault` for an escape that is none. */
export function readQuery(query: string): Query {
  return query
    .split('&')
    .filter(each => each !== '')
    .map(each => {
      const at = each.indexOf('=')
      const [name, value] = at < 0 ? [each, ''] : [each.slice(0, at), each.slice(at + 1)]
      return [decoded(name.replaceAll('+', ' ')), decoded(value.replaceAll('+', ' '))]
    })
}

function keyOf(method: string, segments: number): string {
  return `${method} ${segments}`
}

function routeOf(name: string, operation: Operation): Route {
  const [path = '', query = ''] = operation.uri.split('?')
  const segments = path.split('/').slice(1)
  return {
    name,
    operation,
    segments: segments.map(each => (each.startsWith('{') ? undefined : each)),
    labels: segments.filter(each => each.startsWith('{')).map(each => each.slice(1, -1)),
    query: query
      .split('&')
      .filter(each => each !== '')
      .map(each => {
        const [parameter = '', value] = each.split('=')
        return [parameter, value]
      }),
  }
}

function fitsPath({ segments }: Route, given: readonly string[]): boolean {
  return segments.every((segment, at) => (segment === undefined ? given[at] !== '' : segment === given[at]))
}

function fitsQuery({ query }: Route, given: Query): boolean {
  return query.every(([name, value]) =>
    given.some(([other, text]) => other === name && (value === undefined || text === value)),
  )
}

/** A literal goes before a label, from the left; then what asks more of the query. */
function moreExactFirst(one: Route, other: Route): number {
  for (const [at, segment] of one.segments.entries()) {
    const difference = Number(segment === undefined) - Number(other.segments[at] === undefined)
    if (difference !== 0) return difference
  }
  return other.query.length - one.query.length
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalidArgument('the address has an escape that is none')
  }
}
