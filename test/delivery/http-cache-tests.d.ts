/** The parts of the public suite that are used here; the package brings no types. */
declare module 'http-cache-tests/server/*.mjs' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  const handle: (segments: string[], request: IncomingMessage, response: ServerResponse) => void
  export default handle
}

declare module 'http-cache-tests/client/config.mjs' {
  export function setBaseUrl(url: string): void
  export function setFetch(fetch: (url: string, init?: RequestInit) => Promise<Response>): void
}

declare module 'http-cache-tests/client/test.mjs' {
  /** Resolves however it ends. */
  export function makeCacheTest(test: unknown): Promise<void>
  /** True, or what kind of failure it is and its sentence. */
  export const testResults: Record<string, true | [kind: string, sentence: string]>
}

declare module 'http-cache-tests/tests/*.mjs' {
  export interface SuiteCase {
    id: string
    kind?: 'required' | 'optimal' | 'check'
    browser_only?: boolean
    requests: { pause_after?: boolean }[]
  }
  export interface SuiteSet {
    tests: SuiteCase[]
  }
  const sets: SuiteSet[]
  export default sets
}
