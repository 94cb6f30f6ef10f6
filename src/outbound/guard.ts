import type { LookupFunction } from 'node:net'

/**
 * Which addresses requests that leave the CDN may go to (SEAMS 27). It is asked after name resolution, at connect, so
 * that no name can be turned to another address in between.
 */
export interface Guard {
  /** For `lookup` of node:net, node:http and undici: resolves, and fails with `address-refused` for what may not be. */
  lookup: LookupFunction
  /** Undefined when this address and port may be connected to; else a sentence that says why not and how to mend it. */
  refusal(address: string, port: number): string | undefined
}
