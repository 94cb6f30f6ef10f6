import { readTrace, traceFields, type FlatHeaders } from '../http/index.ts'
import type { Exchange } from './exchange.ts'

/** Before the fields of a question are made those of its viewer: what another node of ours says of the trace is the node's. */
export function takeTrace(x: Exchange): void {
  const { headers } = x.request
  const { traceparent, tracestate } = headers
  if (traceparent === undefined) return
  x.trace = readTrace(String(traceparent), tracestate === undefined ? undefined : String(tracestate))
}

/** What the next tier is asked with beside the question; nothing for most requests. */
export function traceOf({ trace }: Exchange): FlatHeaders {
  return trace === undefined ? [] : traceFields(trace)
}
