import type { EncryptionInput } from '../distribution/index.ts'
import type { ChangedEncryption, EncryptionInfo } from './encryption-shapes.ts'
import { ask, type Ask, type Connection } from './request.ts'
import type { Changed } from './shapes.ts'

/** The part of the control API that is about field-level encryptions, which behaviours name. */
export class EncryptionClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async encryptions(): Promise<EncryptionInfo[]> {
    return (await this.#ask<{ encryptions: EncryptionInfo[] }>('GET', '/v1/encryptions')).encryptions
  }

  /** By name or id. */
  async encryption(id: string): Promise<EncryptionInfo> {
    return this.#ask<EncryptionInfo>('GET', encryptionPath(id))
  }

  async createEncryption(wanted: EncryptionInput): Promise<ChangedEncryption> {
    return this.#ask<ChangedEncryption>('POST', '/v1/encryptions', wanted)
  }

  /** By name or id; behaviours that name it follow. */
  async replaceEncryption(id: string, wanted: EncryptionInput): Promise<ChangedEncryption> {
    return this.#ask<ChangedEncryption>('PUT', encryptionPath(id), wanted)
  }

  /** By name or id; throws `in-use` while a behaviour names it. */
  async deleteEncryption(id: string): Promise<Changed> {
    return this.#ask<Changed>('DELETE', encryptionPath(id))
  }

  async #ask<T>(method: Ask['method'], path: string, body?: unknown): Promise<T> {
    const wanted = body === undefined ? { method, path } : { method, path, body }
    return (await ask(this.#connection, wanted)).body as T // our own server's
  }
}

function encryptionPath(id: string): string {
  return `/v1/encryptions/${encodeURIComponent(id)}`
}
