import type { Milliseconds } from './time.ts'

/** Resolves when the span is over; at once, and without an error, when the signal aborts. */
export function pause(span: Milliseconds, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, span)
    signal?.addEventListener('abort', done)
  })
}
