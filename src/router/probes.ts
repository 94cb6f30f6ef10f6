import { request as requestPlain, type RequestOptions } from 'node:http'
import { request as requestTls } from 'node:https'
import { codeOf, type Milliseconds } from '../core/index.ts'
import { ALIVE_PATH } from '../membership/index.ts'
import type { EdgeTable, ProbeOutcome, ProbeTarget } from '../routing/index.ts'

export interface ProbesOptions {
  table: EdgeTable
  every: Milliseconds
  within: Milliseconds
}

export interface Probes {
  close(): void
}

/** Asks each edge again and again, where viewers reach it, whether it is there. */
export function startProbes({ table, every, within }: ProbesOptions): Probes {
  const closing = new AbortController()
  const look = (): void => {
    for (const target of table.targets())
      void probe(target, within, closing.signal).then(outcome => {
        if (!closing.signal.aborted) table.probed(target, outcome)
      })
  }
  const timer = setInterval(look, every)
  look()
  return {
    close() {
      clearInterval(timer)
      closing.abort()
    },
  }
}

/** This machine has no such network, so it says nothing of an edge that it cannot ask. */
const NO_WAY = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/** Never rejects. */
export function probe(
  { address, port, scheme }: ProbeTarget,
  within: Milliseconds,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  return new Promise(resolve => {
    const options: RequestOptions = { host: address, port, path: ALIVE_PATH, agent: false, signal }
    // Whose it is matters to viewers; here only that somebody answers there.
    const asked =
      scheme === 'http' ? requestPlain(options) : requestTls({ ...options, rejectUnauthorized: false })
    const late = setTimeout(() => asked.destroy(new Error('no answer in time')), within)
    asked.on('response', response => {
      clearTimeout(late)
      resolve(response.statusCode === 204 ? 'answers' : 'silent')
      asked.destroy()
    })
    asked.on('error', error => {
      clearTimeout(late)
      resolve(NO_WAY.has(codeOf(error) ?? '') ? 'unreachable' : 'silent')
    })
    asked.end()
  })
}
