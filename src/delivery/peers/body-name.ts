import { randomBytes } from 'node:crypto'
import type { Instant } from '../../core/index.ts'
import { strongValidator, type Validators } from '../../http/index.ts'
import type { Answerable } from '../exchange.ts'

const names = new WeakMap<object, string>()

/**
 * Names the bytes that were found, for a process that comes back for more of them; undefined where they have a strong
 * validator, or are one viewer's own. It holds for as long as this process has them in memory.
 */
export function bodyName(found: Answerable): string | undefined {
  if (found.kind === 'passing') return undefined
  if (found.kind !== 'filling') return isStrong(found.object) ? undefined : nameOf(found.object.body)
  if (isStrong(found.fill)) return undefined
  const { whole } = found
  const known = names.get(whole)
  if (known !== undefined) return known
  const name = nameOf(whole)
  // The same bytes, once they are in store.
  whole.then(
    ({ body }) => names.set(body, name),
    () => {},
  )
  return name
}

function isStrong({ validators, bornAt }: { validators: Validators; bornAt: Instant }): boolean {
  return strongValidator(validators, bornAt) !== undefined
}

function nameOf(bytes: object): string {
  let name = names.get(bytes)
  if (name === undefined) names.set(bytes, (name = randomBytes(9).toString('base64url')))
  return name
}
