import type { Scope } from '../../client/index.ts'
import type { AccessKey } from '../../signing/index.ts'
import { findAccessKey, type Database } from '../database/index.ts'
import { CloudFrontError, type Caller } from './operation.ts'

/** Whose signature it is said to be, and what it is to be checked with. */
export interface KnownCaller {
  caller: Caller
  secret: string
}

export interface CallerBook {
  /** Undefined for an access key that is unknown. */
  find(accessKeyId: string): Promise<KnownCaller | undefined>
}

/** The access key of the data folder, and those of tokens. */
export class Callers implements CallerBook {
  readonly #database: Database
  readonly #own: AccessKey | undefined

  constructor(database: Database, own: AccessKey | undefined) {
    this.#database = database
    this.#own = own
  }

  async find(accessKeyId: string): Promise<KnownCaller | undefined> {
    const own = this.#own
    if (own?.id === accessKeyId)
      return { caller: { accessKeyId, name: 'admin', scopes: ['admin'] }, secret: own.secret }
    const row = await this.#database.read(tx => findAccessKey(tx, accessKeyId))
    if (!row) return undefined
    const { name, scopes, secret } = row
    return { caller: { accessKeyId, name, scopes }, secret }
  }
}

/** By our own scopes: reading is anybody's, purging and keys have theirs, and everything else is `admin`. */
export function scopeOf(operation: string): Scope {
  // Code often holds what it checks tokens with.
  if (operation === 'GetFunction') return 'admin'
  if (/^(?:Get|List|Describe)/.test(operation)) return 'read'
  if (/^CreateInvalidation/.test(operation)) return 'purge'
  if (/^(?:Create|Update|Delete)(?:PublicKey|KeyGroup)$/.test(operation)) return 'keys'
  return 'admin'
}

/** Throws `AccessDenied`. */
export function checkScope({ scopes }: Caller, operation: string): void {
  const scope = scopeOf(operation)
  if (scope === 'read' || scopes.includes(scope) || scopes.includes('admin')) return
  throw new CloudFrontError(
    'AccessDenied',
    `this access key may not ${operation}: that needs the scope "${scope}", and its token has ${scopes.join(', ')}`,
    403,
  )
}
