import { fields, type FlatHeaders } from '../../http/index.ts'
import type { Json } from '../contract.ts'
import { titled } from './header-rules.ts'
import { isFields, own, value, type Fields, type Value } from './reading.ts'
import { unusable, type Unusable } from './seen.ts'

/** `{ "x-name": [{ key: "X-Name", value: "…" }] }`. */
export function lambdaHeaders(headers: FlatHeaders): Fields {
  const byName = new Map<string, Fields[]>()
  for (const [name, text] of fields(headers)) {
    const lower = name.toLowerCase()
    byName.set(lower, [...(byName.get(lower) ?? []), { key: titled(lower), value: text }])
  }
  return Object.fromEntries(byName)
}

/** Fields as they go out: under `key` where that is the same name, in title case where it is left out. */
export function readLambdaHeaders(given: Json | undefined): Value<FlatHeaders> | Unusable {
  if (!isFields(given)) return unusable('function-result', 'it gave headers that are no object')
  const headers: string[] = []
  for (const [name, list] of Object.entries(given)) {
    for (const each of Array.isArray(list) ? list : [list]) {
      if (!isFields(each))
        return unusable('function-result', 'it gave a header that is no list of key and value')
      const [key, text] = [own(each, 'key'), own(each, 'value')]
      const plain = typeof text === 'number' ? String(text) : text
      if (typeof plain !== 'string')
        return unusable('function-result', 'it gave a header whose value is no text')
      if (key !== undefined && (typeof key !== 'string' || key.toLowerCase() !== name.toLowerCase()))
        return unusable('function-header', 'it gave a header whose key is another name')
      headers.push(key ?? titled(name), plain)
    }
  }
  return value(headers)
}
