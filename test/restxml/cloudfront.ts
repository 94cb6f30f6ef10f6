import { loadModel } from '../../src/control/cloudfront/model.ts'
import type { Members, Model } from '../../src/restxml/index.ts'
import { findRoute, readInput, readQuery, routeTable } from '../../src/restxml/index.ts'

/** The model of the real API: what the room is for. */
export const MODEL: Model = await loadModel()
const TABLE = routeTable(MODEL)

export interface Sent {
  method: string
  /** Path and query. */
  target: string
  headers?: Record<string, string>
  body?: string | Uint8Array
}

export interface ReadBack {
  name: string
  input: Members
}

/** Route and read, as control does. */
export function readBack({ method, target, headers = {}, body = '' }: Sent): ReadBack {
  const [path = '', query = ''] = target.split('?')
  const pairs = readQuery(query)
  const found = findRoute(TABLE, method, path, pairs)
  if (!found) throw new Error(`no operation at ${method} ${target}`)
  const input = readInput(MODEL, found.operation, {
    labels: found.labels,
    query: pairs,
    header: name => headers[name],
    body: typeof body === 'string' ? Buffer.from(body) : body,
  })
  return { name: found.name, input }
}
