import type { Milliseconds } from '../../src/core/index.ts'

/**
 * A span that begins now. What a timer of this process begins later and for longer comes after its end, however busy
 * the machine is: an order, and no measurement.
 */
export function span(length: Milliseconds): { readonly over: boolean } {
  const state = { over: false }
  setTimeout(() => void (state.over = true), length).unref()
  return state
}
