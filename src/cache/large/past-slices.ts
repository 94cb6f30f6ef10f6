import type { ByteRange } from '../../http/index.ts'
import type { Ask } from '../contract.ts'
import { judgeSlice, type KnownVersion } from './partial.ts'
import { changedMeanwhile, endedEarly, refusedSlice } from './refusals.ts'

/** What a reader past the slices finds out for all who read the same version. */
export interface Findings {
  length: (length: number) => void
  changed: () => void
}

/**
 * Some bytes of a known version, asked for by one reader for himself and handed to him as he takes them: nothing is
 * held, and nothing kept. Throws where the origin has another version by now, or sends less.
 */
export async function* readPast(
  ask: Ask,
  wanted: ByteRange,
  known: KnownVersion,
  findings: Findings,
): AsyncGenerator<Uint8Array, void, undefined> {
  const range = `bytes=${wanted.first}-${wanted.last}`
  const answer = await ask({ validators: undefined, patience: 'full', range, ifRange: known.validator })
  try {
    const verdict = judgeSlice(answer, wanted, known)
    if (verdict.kind === 'refused') throw refusedSlice(answer.status)
    if (verdict.kind === 'changed') {
      findings.changed()
      throw changedMeanwhile()
    }
    if (verdict.kind === 'part' && verdict.length !== undefined) findings.length(verdict.length)
    const length = known.length ?? (verdict.kind === 'part' ? verdict.length : undefined)
    const last = Math.min(wanted.last, (length ?? Infinity) - 1)
    let at = verdict.kind === 'whole' ? 0 : wanted.first
    for await (const chunk of answer.body) {
      const bytes = chunk.subarray(Math.max(0, wanted.first - at), Math.max(0, last + 1 - at))
      at += chunk.length
      if (bytes.length > 0) yield bytes
      if (at > last) return
    }
    if (length !== undefined) throw endedEarly()
  } finally {
    answer.destroy()
  }
}
