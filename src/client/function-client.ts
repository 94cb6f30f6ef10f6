import type {
  ChangedFunction,
  ChangedStore,
  FunctionChange,
  FunctionInfo,
  FunctionTest,
  FunctionTested,
  NewFunction,
  NewStore,
  StoreChange,
  StoreInfo,
} from './function-shapes.ts'
import { WebhookClient } from './webhook-client.ts'
import { ask, type Ask, type Connection } from './request.ts'
import type { Changed } from './shapes.ts'

/** The part of the control API that is about functions and what they read. */
export class FunctionClient extends WebhookClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    super(connection)
    this.#connection = connection
  }

  async functions(): Promise<FunctionInfo[]> {
    return (await this.#ask<{ functions: FunctionInfo[] }>('GET', '/v1/functions')).functions
  }

  async function(name: string): Promise<FunctionInfo> {
    return this.#ask<FunctionInfo>('GET', functionPath(name))
  }

  /** Its code at a stage: `development` when left out, `live`, or the number of a version. */
  async functionCode(name: string, stage?: string): Promise<string> {
    return (await this.#ask<{ code: string }>('GET', `${functionPath(name)}/code`, { query: { stage } })).code
  }

  /** Throws `bad-function` with what is wrong with it, `exists` for a name that is taken. */
  async createFunction(wanted: NewFunction): Promise<FunctionInfo> {
    return this.#ask<FunctionInfo>('POST', '/v1/functions', { body: wanted })
  }

  /** What is left out stays as it is; what runs changes with `publishFunction` alone. */
  async updateFunction(name: string, change: FunctionChange): Promise<FunctionInfo> {
    return this.#ask<FunctionInfo>('PUT', functionPath(name), { body: change })
  }

  async publishFunction(name: string): Promise<ChangedFunction> {
    return this.#ask<ChangedFunction>('POST', `${functionPath(name)}/publish`, { body: {} })
  }

  /** Runs it in control, on an event of one's own. */
  async testFunction(name: string, test: FunctionTest): Promise<FunctionTested> {
    return this.#ask<FunctionTested>('POST', `${functionPath(name)}/test`, { body: test })
  }

  /** Of Lambda@Edge one version alone, where it is given; throws `in-use` while a behaviour names what would go. */
  async deleteFunction(name: string, version?: number): Promise<Changed> {
    return this.#ask<Changed>('DELETE', functionPath(name), { query: { version } })
  }

  async stores(): Promise<StoreInfo[]> {
    return (await this.#ask<{ stores: StoreInfo[] }>('GET', '/v1/stores')).stores
  }

  /** By name or id, as in all that follow. */
  async store(name: string): Promise<StoreInfo> {
    return this.#ask<StoreInfo>('GET', storePath(name))
  }

  async storeItems(name: string): Promise<Record<string, string>> {
    return (await this.#ask<{ items: Record<string, string> }>('GET', `${storePath(name)}/items`)).items
  }

  async createStore(wanted: NewStore): Promise<StoreInfo> {
    return this.#ask<StoreInfo>('POST', '/v1/stores', { body: wanted })
  }

  /** Throws `not-found` for a key that is to go and is not there. */
  async changeStore(name: string, change: StoreChange): Promise<ChangedStore> {
    return this.#ask<ChangedStore>('PATCH', storePath(name), { body: change })
  }

  /** Throws `in-use` while a function reads it. */
  async deleteStore(name: string): Promise<Changed> {
    return this.#ask<Changed>('DELETE', storePath(name))
  }

  async #ask<T>(method: Ask['method'], path: string, more: Pick<Ask, 'query' | 'body'> = {}): Promise<T> {
    return (await ask(this.#connection, { method, path, ...more })).body as T // our own server's
  }
}

function functionPath(name: string): string {
  return `/v1/functions/${encodeURIComponent(name)}`
}

function storePath(name: string): string {
  return `/v1/stores/${encodeURIComponent(name)}`
}
