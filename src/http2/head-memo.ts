import type { Bytes } from '../core/index.ts'
import type { RequestHead } from './request-head.ts'

/** A block that is longer has something in it that is not said again. */
const LONGEST: Bytes = 512
const MOST_HEADS = 8

/**
 * Heads of one connection by the bytes that they were read from: a player asks for one playlist again and again, and once
 * the table has all that he says of himself, he says it in the same few bytes. They mean it while the table stays as it is.
 */
export class HeadMemo {
  readonly #heads = new Map<string, RequestHead>()
  #version = -1

  /** What a block is looked for by; undefined for one that is not kept. */
  keyOf(bytes: Buffer, from: number, to: number): string | undefined {
    return to - from > LONGEST ? undefined : bytes.toString('latin1', from, to)
  }

  /** `version` is that of the table. */
  get(key: string, version: number): RequestHead | undefined {
    return version === this.#version ? this.#heads.get(key) : undefined
  }

  set(key: string, version: number, head: RequestHead): void {
    if (version !== this.#version || this.#heads.size >= MOST_HEADS) this.#heads.clear()
    this.#version = version
    this.#heads.set(key, head)
  }
}
